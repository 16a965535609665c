"""Real clusters on this machine: Spark's standalone master with workers, Slurm's controller with a node."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[1]
# A Java that lives for seconds does not earn back what its second compiler and several collectors cost.
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SLURM_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
SLURM_CONF = """\
ClusterName=test
SlurmctldHost={name}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={controller_port}
SlurmdPort={node_port}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
KillWait=1
NodeName={name} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES State=UP
"""


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until(happens: Callable[[], bool], what: str, at_most_s: float = 90) -> None:
    """Return as soon as it happens; AssertionError when it takes too long."""
    deadline = time.monotonic() + at_most_s
    while not happens():
        assert time.monotonic() < deadline, f"{what}: not within {at_most_s:.0f} s"
        time.sleep(0.1)


@dataclass(frozen=True)
class Spark:
    """An installed pyspark; `packages` is the folder that holds it."""

    version: str
    packages: Path

    @property
    def home(self) -> Path:
        return self.packages / "pyspark"

    @property
    def environment(self) -> dict[str, str]:
        """For a process that is to use this one, with the code that is tested here."""
        path = os.pathsep.join(map(str, (self.packages, ROOT)))
        spark = {"SPARK_LOCAL_IP": HOST, "PYSPARK_PYTHON": sys.executable, "JAVA_TOOL_OPTIONS": JAVA}
        return {**os.environ, "PYTHONPATH": path, **spark}


def find_spark() -> Spark | None:
    """The pyspark of this environment; None without it or a Java of version 17 or newer."""
    found = find_spec("pyspark")
    if found is None or found.origin is None or not is_java_there():
        return None
    return _spark_in(Path(found.origin).parents[1])


def find_spark35() -> Spark | None:
    """The pyspark 3.5 that stands in a folder of its own (CENSUS_SPARK35, or as CI has it); None without."""
    packages = Path(os.environ.get("CENSUS_SPARK35", ROOT / ".ci-pyspark35"))
    return _spark_in(packages) if (packages / "pyspark").is_dir() and is_java_there() else None


def _spark_in(packages: Path) -> Spark:
    text = (packages / "pyspark" / "version.py").read_text(encoding="utf-8")
    (version,) = re.findall(r"""__version__.*= ["']([^"']+)["']""", text)
    return Spark(version, packages)


class SparkCluster:
    """A standalone master and workers of one core each, every one a process of its own."""

    def __init__(self, folder: Path, spark: Spark, n_workers: int = 2) -> None:
        self._folder, self._spark, self._n_workers = folder, spark, n_workers
        self.master = f"spark://{HOST}:{free_port()}"
        self.workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "SparkCluster":
        port = self.master.rsplit(":", 1)[1]
        self._master = self._start("Master", "master", "--host", HOST, "--port", port, "--webui-port", "0")
        wait_until(lambda: "I have been elected leader" in self.log("master"), "the master of Spark")
        for number in range(self._n_workers):
            self.add_worker(number)
        wait_until(
            lambda: self.log("master").count("Registering worker") == self._n_workers, "the workers of Spark"
        )
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, self._master):
            _kill_group(process)

    def add_worker(self, number: int) -> None:
        """Start one more worker."""
        self.workers.append(
            self._start(
                "Worker",
                f"worker{number}",
                "--host",
                HOST,
                "--webui-port",
                "0",
                "--cores",
                "1",
                "--memory",
                "1g",
                "--work-dir",
                str(self._folder / f"work{number}"),
                self.master,
            )
        )

    def kill_worker(self, number: int) -> None:
        """Kill a worker and its executor at once, as when a machine is lost."""
        _kill_group(self.workers[number])

    def log(self, name: str) -> str:
        """What a process of the cluster has said so far."""
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def _start(self, kind: str, name: str, *options: str) -> "subprocess.Popen[bytes]":
        command = self._spark.home / "bin" / "spark-class"
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [str(command), f"org.apache.spark.deploy.{name.rstrip('0123456789')}.{kind}", *options],
                stdout=log,
                stderr=log,
                env=self._spark.environment,
                start_new_session=True,
            )


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process that leads a group, with all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class SlurmCluster:
    """A controller and one node of two cores; `environment` is what Slurm's commands need to find them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}

    @staticmethod
    def find_missing() -> list[str]:
        """Programs that are not on this machine."""
        return [name for name in SLURM_PROGRAMS if _find(name) is None]

    def __enter__(self) -> "SlurmCluster":
        for name in ("state", "spool"):
            (self._folder / name).mkdir()
        self._write_files()
        key, munge = self._folder / "munge.key", self._folder / "munge"
        self._run(
            "munged",
            "--force",
            f"--key-file={key}",
            f"--socket={munge}.sock",
            f"--pid-file={munge}.pid",
            f"--log-file={munge}.log",
            f"--seed-file={munge}.seed",
        )
        conf = self.environment["SLURM_CONF"]
        self._run("slurmctld", "-f", conf, "-c")
        self._run("slurmd", "-f", conf, "-N", socket.gethostname())
        wait_until(lambda: "idle" in self.ask("sinfo", "--noheader"), "the node of Slurm")
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("slurmd", "slurmctld", "munge"):
            pid = self._folder / f"{name}.pid"
            if pid.is_file() and (text := pid.read_text().strip()):
                os.kill(int(text), signal.SIGKILL)

    def ask(self, *command: str) -> str:
        """What one of Slurm's commands prints."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    def wait_for_jobs(self, at_most_s: float = 180) -> None:
        """Return when the queue is empty."""
        wait_until(lambda: not self.ask("squeue", "--noheader").strip(), "the jobs of Slurm", at_most_s)

    def _write_files(self) -> None:
        key = self._folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        text = SLURM_CONF.format(
            name=socket.gethostname(),
            user=user,
            folder=self._folder,
            controller_port=free_port(),
            node_port=free_port(),
        )
        (self._folder / "slurm.conf").write_text(text)

    def _run(self, name: str, *options: str) -> None:
        done = subprocess.run([str(_find(name)), *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr or done.stdout}"


def _find(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def is_java_there() -> bool:
    """Whether a Java that Spark can use (17 or newer) is on this machine."""
    if shutil.which("java") is None:
        return False
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return found is not None and int(found[1]) >= 17
