"""Kills runs of a study at every kind of publication, and lets the next one go on. A program of its own:

    python tests/killed_runs.py PLANNED STUDY STAGES [OTHER ...]

A publication is a rename, a link, or a removal of a file or folder. Those of one stage that are the same
call on the same kind of file are alike. The study PLANNED is run undisturbed, to see which there are. Runs of
STUDY are killed before the first call of each kind, which is after the call before it, and, where there are
several, after the middle one and after the last of the undisturbed run. A kind that only a run meets that
goes on after another is one too. Printed are the kinds seen and the moments at which a process died, as JSON.

Children fork from one process that has imported everything and has opened no database.
"""

import importlib
import json
import os
import re
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipeline import run
from pipeline.study import read_study
from pipeline.tasks import Stage

HEAVY = ("lifelines", "pandas", "scipy.stats", "scipy.special", "pyarrow.parquet", "analysis.forecasting")
# What differs from run to run: temporary names, the names of runs, and names by which a folder is known.
_RANDOM = re.compile(r"\.tmp-\d+-[0-9a-f]+-|\d{8}T\d{6}-[0-9a-f]+-|(?<=replaced-)[0-9a-f-]+")
# What parts the files of one kind: digests of tasks and bytes, releases, and names of tables of the dataset.
_PARTED = re.compile(r"[0-9a-f]{16,}|CC-MAIN-\d{4}-\d\d|(?<=lists/).*")


@dataclass(frozen=True)
class Point:
    """A call in a stage, the nth on this file, and whether it has been made."""

    stage: str
    call: str
    file: str
    nth: int
    is_after: bool

    @property
    def kind(self) -> str:
        """Where the file stands for many, one of them is as good as the next; else each new content is apart.

        Before the first stage drafts are removed that others have left.
        """
        if not self.stage:
            return f"begin {self.call}"
        file, n_parted = _PARTED.subn("*", self.file)
        is_apart = self.call in ("replace", "rename") and not n_parted
        return f"{self.stage} {self.call} {file}{f' {self.nth}' if is_apart else ''}"


class Watch:
    """Counts the publications of this process in one stage after another; `see` is told of each."""

    def __init__(self, root: Path, see: Callable[[Point], None]) -> None:
        self.root, self.see = root.resolve(), see
        self.stage = ""
        self.seen: Counter[tuple[str, str, str]] = Counter()

    def begin(self) -> None:
        for name in ("replace", "rename", "unlink", "rmdir"):
            setattr(Path, name, self._wrap(getattr(Path, name)))
        os.link = self._wrap(os.link)
        shutil.rmtree = self._wrap(shutil.rmtree)  # type: ignore[assignment]
        run_stage = run._run_stage

        def run_one(job: Any, stage: Stage, *rest: Any) -> Any:
            self.stage = stage
            summary = run_stage(job, stage, *rest)
            self.stage = "end"
            return summary

        run._run_stage = run_one

    def _wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            if is_vain(function.__name__, Path(args[0])):
                return function(*args, **kwargs)
            target = args[1] if function.__name__ in ("replace", "rename", "link") else args[0]
            file = os.path.relpath(target, self.root)
            key = (self.stage, function.__name__, _RANDOM.sub("", file))
            self.seen[key] += 1
            nth = self.seen[key]
            self.see(Point(*key, nth, is_after=False))
            result = function(*args, **kwargs)
            self.see(Point(*key, nth, is_after=True))
            return result

        return watched


def is_vain(name: str, path: Path) -> bool:
    """Whether it is a draft that was renamed, or a folder that is not empty: removing these is no moment."""
    gone = name in ("unlink", "rmtree") and not path.exists()
    return gone or (name == "rmdir" and (not path.is_dir() or any(path.iterdir())))


def choose(calls: Sequence[Point]) -> set[Point]:
    """Of each kind that has several calls the middle one and the last, to die after them."""
    kinds: dict[str, list[Point]] = {}
    for call in calls:
        kinds.setdefault(call.kind, []).append(call)
    several = [alike for alike in kinds.values() if len(alike) > 1]
    return {replace(alike[n], is_after=True) for alike in several for n in (len(alike) // 2, -1)}


class Calls:
    """Points in a file, which outlives whoever notes them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, point: Point) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(point)) + "\n")

    def read(self) -> list[Point]:
        return [Point(**json.loads(line)) for line in self.path.read_text("utf-8").splitlines()]


def fork(work: Callable[[], None]) -> bool:
    """Work in a child; whether it came to its end. The program ends when the child fails otherwise."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    ended = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(ended):
        assert os.WTERMSIG(ended) == signal.SIGKILL
        return False
    if os.WEXITSTATUS(ended):
        sys.exit(3)
    return True


def run_until(file: str, stages: Sequence[Stage], see: Callable[[Point], None] | None = None) -> None:
    study = read_study(Path(file))
    if see is not None:
        Watch(Path(file).parent, see).begin()
    run.run_stages(study, stages)


def plan(file: str, stages: Sequence[Stage]) -> list[Point]:
    """The calls of a run that nobody disturbs."""
    calls = Calls(Path(file).with_name("calls.jsonl"))
    fork(lambda: run_until(file, stages, lambda point: None if point.is_after else calls.note(point)))
    return calls.read()


def kill(file: str, stages: Sequence[Stage], exact: set[Point], others: Sequence[str]) -> list[Point]:
    """Where children died, each at the first moment that is new; the others run after every third of them."""
    died = Calls(Path(file).with_name("died.jsonl"))

    def see(point: Point) -> None:
        if (point if point.is_after else point.kind) not in known and (point in exact or not point.is_after):
            died.note(point)
            os.kill(os.getpid(), signal.SIGKILL)

    known: set[Point | str] = set()
    while not fork(lambda: run_until(file, stages, see)):
        point = died.read()[-1]
        known.add(point if point.is_after else point.kind)
        for other in others if len(died.read()) % 3 == 0 else ():
            fork(lambda other=other: run_until(other, stages))  # type: ignore[misc]
    return died.read()


def main(planned: str, file: str, names: str, *others: str) -> None:
    for name in HEAVY:
        importlib.import_module(name)
    for place, value in json.loads(os.environ.get("SMALL", "{}")).items():
        module, name = place.rsplit(".", 1)
        setattr(importlib.import_module(module), name, value)
    stages = [Stage(name) for name in names.split(",")]
    calls = plan(planned, stages)
    died = kill(file, stages, choose(calls), others)
    print(json.dumps({"kinds": sorted({call.kind for call in calls}), "died": [p.kind for p in died]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
