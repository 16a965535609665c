"""One pace of requests for everything that reads from an address, also across processes.

The state is one small JSON file under a lock (or in memory when there is only one process): when the
next request may be sent, when the server last refused, and how much slower than asked we go since.
"""

import fcntl
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

log = logging.getLogger(__name__)

FORGET_AFTER_S = 24 * 3600.0
_MAX_SLOWDOWN = 64.0


@dataclass(slots=True)
class _State:
    """Times are seconds since the epoch; `slowdown` divides the rate."""

    next_at: float = 0.0
    refused_at: float = 0.0
    slowdown: float = 1.0


class Pace:
    """Spaces requests evenly at `requests_per_s` (0: no limit) and stops them all after a refusal.

    `path` names the file that processes share; its folder must exist. Without it the pace is that of
    this object alone.
    """

    def __init__(self, requests_per_s: float, cooldown_s: float, path: Path | None = None) -> None:
        self._interval_s = 1.0 / requests_per_s if requests_per_s else 0.0
        self._cooldown_s = cooldown_s
        self._path = path
        self._lock = threading.Lock()
        self._memory = _State()

    def wait(self) -> float:
        """Sleep until the next request may be sent; returns that time, to be given to `refuse`."""
        while True:
            taken_at = time.time()
            with self._locked() as state:
                slot = max(taken_at, state.next_at)
                state.next_at = slot + self._interval_s * state.slowdown
            time.sleep(max(0.0, slot - taken_at))
            with self._locked() as state:
                # A refusal that came while we slept moves everyone behind the cool-down.
                if state.refused_at <= taken_at:
                    return time.time()

    def refuse(self, sent_at: float) -> None:
        """Note that a request sent at `sent_at` was refused: a cool-down for all, then half the rate.

        Refusals of requests that were under way when the cool-down began change nothing.
        """
        now = time.time()
        with self._locked() as state:
            # Several requests under way are refused together; that is one refusal.
            if sent_at < state.refused_at:
                return
            if now - state.refused_at > FORGET_AFTER_S:
                state.slowdown = 1.0
            state.refused_at = now
            state.next_at = now + self._cooldown_s
            state.slowdown = min(state.slowdown * 2, _MAX_SLOWDOWN)
            slowdown = state.slowdown
        log.warning(
            "refused by the server: nothing is sent for %.0f s, then at 1/%.0f of the rate",
            self._cooldown_s,
            slowdown,
        )

    @contextmanager
    def _locked(self) -> Iterator[_State]:
        if self._path is None:
            with self._lock:
                yield self._memory
            return
        with self._lock, self._path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            state = _read_state(file.read())
            yield state
            file.truncate(0)
            file.write(json.dumps(asdict(state)))


def _read_state(text: str) -> _State:
    """The state in a pace file; a fresh one when it is empty or was cut by a crash."""
    try:
        values = json.loads(text)
        state = _State(*(float(values[name]) for name in ("next_at", "refused_at", "slowdown")))
    except (ValueError, KeyError, TypeError):
        return _State()
    if time.time() - state.refused_at > FORGET_AFTER_S:
        state.slowdown = 1.0
    return state
