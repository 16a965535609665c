"""A Spark standalone cluster on this machine: a master and workers of one core each, all on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
START_S = 90.0


class SparkCluster:
    """Started on entry, ended on exit. Their logs and working folders are in `folder`."""

    def __init__(self, folder: Path, n_workers: int, memory: str = "1g") -> None:
        import pyspark

        self._folder, self._n_workers, self._memory = folder, n_workers, memory
        self.home = Path(pyspark.__file__).parent
        self.master = f"spark://{HOST}:{_free_port()}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        port = self.master.rsplit(":", 1)[1]
        self._start("master.Master", "master", "--host", HOST, "--port", port, "--webui-port", "0")
        self._wait(lambda log: "I have been elected leader" in log)
        for number in range(self._n_workers):
            self._start(
                "worker.Worker",
                f"worker{number}",
                *("--host", HOST, "--webui-port", "0", "--cores", "1", "--memory", self._memory),
                *("--work-dir", str(self._folder / f"work{number}"), self.master),
            )
        self._wait(lambda log: log.count("Registering worker") == self._n_workers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()

    def _start(self, name: str, log: str, *options: str) -> None:
        environment = {**os.environ, "SPARK_LOCAL_IP": HOST, "PYSPARK_PYTHON": sys.executable}
        command = [str(self.home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *options]
        with (self._folder / f"{log}.log").open("wb") as file:
            self._processes.append(
                subprocess.Popen(command, stdout=file, stderr=file, env=environment, start_new_session=True)
            )

    def _wait(self, is_ready: Callable[[str], bool]) -> None:
        """Return when the master's log says so; RuntimeError with its end when it does not in time."""
        path, deadline = self._folder / "master.log", time.monotonic() + START_S
        while not is_ready(said := path.read_text(errors="replace")):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the Spark cluster did not start within {START_S:.0f} s: {said[-1000:]}")
            time.sleep(0.1)


def _free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
