"""A file server and two machines that mount its folder: NFS Ganesha, and kernels under User Mode Linux.

A kernel of its own is what makes a machine here: each remembers what it has seen of the folder, as the nodes
of a cluster do. They are in a network namespace that nothing else is in, and see the files of this machine.
"""

import os
import queue
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[1]
PROGRAMS = {"linux.uml": "user-mode-linux", "ganesha.nfsd": "nfs-ganesha-vfs", "mount.nfs4": "nfs-common"}
PROGRAMS |= {"ip": "iproute2", "modprobe": "kmod"}
SERVER, NETWORK = "10.99.0.1", "10.99.0."
MODULES = "/usr/lib/uml/modules"
MOUNTED = "/mnt/census"
READY, DONE = "census-ready", "census-done"
MEMORY = "1500M"
GANESHA = """\
NFS_CORE_PARAM {{ Protocols = 4; Bind_addr = {server}; Enable_RQUOTA = false; }}
NFSV4 {{ Grace_Period = 3; Lease_Lifetime = 10; RecoveryRoot = {folder}/recovery; Delegations = false; }}
EXPORT {{
  Export_Id = 1; Path = {folder}/export; Pseudo = /census; Access_Type = RW; Squash = No_Root_Squash;
  SecType = sys; Transports = TCP; FSAL {{ Name = VFS; }}
}}
"""
INIT = """\
#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH={root}
stty -echo
mount -t proc proc /proc && mount -t sysfs sys /sys
for folder in /run /mnt /dev/shm; do mkdir -p $folder; mount -t tmpfs tmpfs $folder; done
hostname $NAME
mkdir -p /run/kernel/lib/modules {mounted}
ln -s {modules}/$(uname -r) /run/kernel/lib/modules/
modprobe -d /run/kernel nfsv4
ip link set lo up; ip addr add $ADDRESS/24 dev vec0; ip link set vec0 up
mount -t nfs4 -o vers=4.2,hard,timeo=30 {server}:/census {mounted} && echo {ready}
while IFS= read -r line; do eval "$line"; status=$?; echo; echo "{done} $status"; done
"""


def find_missing() -> str:
    """What keeps the machines from starting, as a sentence; empty when nothing does."""
    packages = sorted({package for program, package in PROGRAMS.items() if not _which(program)})
    if packages:
        return f"install Debian's packages {' '.join(packages)}"
    if os.geteuid() or not Path("/dev/net/tun").exists():
        return "machines on a network of their own need root and /dev/net/tun"
    return ""


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class Machine:
    """A kernel with a shell, for as long as the block lasts; `folder` is the server's, under its own path."""

    def __init__(self, command: Sequence[str], name: str) -> None:
        self.name, self.folder = name, Path(MOUNTED)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        self._until(READY, 120)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, command: str) -> None:
        """Have a shell begin a command; `finish` waits for its end."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def finish(self, status: int | None = 0, at_most_s: float = 240) -> str:
        """What the command has printed, on both streams; AssertionError where it ends otherwise."""
        printed, last = self._until(DONE, at_most_s)
        assert status is None or last.split()[-1] == str(status), printed[-3000:]
        return printed

    def call(self, command: str, status: int | None = 0) -> str:
        """Run a command to its end; returns what it has printed."""
        self.start(command)
        return self.finish(status)

    def python(self, code: str, *arguments: object) -> str:
        """Run a program of Python to its end; returns what it has printed."""
        return self.call(self.command(code, *arguments))

    @staticmethod
    def command(code: str, *arguments: object) -> str:
        """What runs a program of this environment's Python, in one line."""
        return shlex.join([sys.executable, "-c", code, *map(str, arguments)]).replace("\n", "'$'\\n''")

    def kill(self) -> None:
        """As by a power cut."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip())
        self._lines.put(None)

    def _until(self, mark: str, at_most_s: float) -> tuple[str, str]:
        lines: list[str] = []
        deadline = time.monotonic() + at_most_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, f"{self.name}: no {mark}\n" + "\n".join(lines[-40:])
            if line.startswith(mark):
                return "\n".join(lines).strip(), line
            lines.append(line)


class NfsLab:
    """The server and its network, for as long as the block lasts; `export` is its folder, seen here."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.export = folder, folder / "export"
        self._space = f"census-{secrets.token_hex(4)}"
        self._stack = ExitStack()
        self._n_machines = 0
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for folder in (self.export, self._folder / "recovery"):
                folder.mkdir(parents=True)
            (self._folder / "ganesha.conf").write_text(GANESHA.format(server=SERVER, folder=self._folder))
            texts = {"root": ROOT, "modules": MODULES, "mounted": MOUNTED, "server": SERVER}
            init = self._folder / "init"
            init.write_text(INIT.format(ready=READY, done=DONE, **texts))
            init.chmod(0o755)
            _call("ip", "netns", "add", self._space)
            stack.callback(_call, "ip", "netns", "delete", self._space)
            for line in (
                "link add lan type bridge forward_delay 0",
                f"address add {SERVER}/24 dev lan",
                "link set lan up",
                "link set lo up",
            ):
                _call("ip", "-n", self._space, *line.split())
            self.start_server()
            stack.callback(self.kill_server)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def machines(self, *names: str) -> list[Machine]:
        """Machines that have mounted the folder, started at the same time; they stop with the lab."""
        started = [self._machine(name) for name in names]
        return [self._stack.enter_context(machine) for machine in started]

    def _machine(self, name: str) -> Machine:
        self._n_machines += 1
        tap = f"tap{self._n_machines}"
        for line in (f"tuntap add {tap} mode tap", f"link set {tap} master lan", f"link set {tap} up"):
            _call("ip", "-n", self._space, *line.split())
        command = [
            "linux.uml",
            *f"mem={MEMORY} root=/dev/root rootfstype=hostfs rootflags=/ rw quiet".split(),
            *["loglevel=1", "con=null", "con0=fd:0,fd:1"],
            *f"init={self._folder}/init vec0:transport=tap,ifname={tap},depth=128,gro=1".split(),
            f"uml_dir={self._folder}/",
            f"umid={name}",
            *f"NAME={name} ADDRESS={NETWORK}{10 + self._n_machines}".split(),
        ]
        return Machine(self._inside(command), name)

    def start_server(self) -> None:
        """Start the file server, anew after `kill_server`."""
        names = {"-f": "ganesha.conf", "-L": "ganesha.log", "-p": "ganesha.pid"}
        options = [text for option, name in names.items() for text in (option, str(self._folder / name))]
        self._server = subprocess.Popen(self._inside(["ganesha.nfsd", "-F", *options]))

    def kill_server(self) -> None:
        """As by a power cut."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def _inside(self, command: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self._space, *command]


def _call(*command: str) -> None:
    subprocess.run(command, check=True)
