"""A sampling profile: which function of the project the CPU time goes to, without slowing what it watches.

A tracing profiler costs most where functions are smallest, which is just where this code is hot. A timer
signal costs nothing between its ticks. A tick that comes late, as C code answers no signals, weighs more.
"""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

TICK_S = 0.002
ROOT = Path(__file__).resolve().parents[1]
ROOMS = tuple(f"{ROOT / room}/" for room in ("consent", "snapshots", "pipeline", "analysis"))


class Profile:
    """CPU seconds by project function; time in a library counts for the project function that called it."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._last = 0.0

    def lines(self, n_captures: int, n_lines: int = 25) -> list[str]:
        """Table rows, costliest first: µs per capture, share, function."""
        total = sum(self.seconds.values()) or 1.0
        return [
            f"| {seconds / n_captures * 1e6:6.2f} | {seconds / total:6.1%} | {name} |"
            for name, seconds in self.seconds.most_common(n_lines)
        ]

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Sample while the block runs. Main thread of a Unix system only."""
        before: Callable[..., object] | int | None = signal.signal(signal.SIGPROF, self._tick)
        self._last = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, TICK_S, TICK_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _tick(self, _signal: int, frame: FrameType | None) -> None:
        now = time.process_time()
        self.seconds[_name_of(frame)] += now - self._last
        self._last = now


def _name_of(frame: FrameType | None) -> str:
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(ROOMS):
            return f"{Path(code.co_filename).relative_to(ROOT)} {code.co_qualname}"
        frame = frame.f_back
    return "(elsewhere)"
