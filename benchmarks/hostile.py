"""Hostile robots.txt files: time against size, and the exponent with which it grows (1 is linear).

    python benchmarks/hostile.py [--dialect NAME] [--largest OCTETS]

Each shape is made in four sizes, doubled from one to the next, up to the parsing limit, which `--largest`
lifts. Timed apart: the parse, the classification of all agents named (without memory of earlier bodies), and
the explanation to one crawler with a match of a path of 2,100 octets against all its rules.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable

from consent import lines
from consent.agents import read_registry
from consent.classify import Classifier
from consent.explain import explain
from consent.readings import READINGS
from consent.robots import parse_robots

STEPS = 4
ROUNDS = 3
PATH = "/" + "a/b.c-" * 300


def _repeat(unit: Callable[[int], str], size: int, head: str = "", tail: str = "") -> bytes:
    parts, length, number = [head], len(head) + len(tail), 0
    while length < size:
        part = unit(number)
        parts.append(part)
        length += len(part)
        number += 1
    return "".join([*parts, tail]).encode()[:size]


def _shared_and_own(size: int) -> bytes:
    stack = _repeat(lambda n: f"User-agent: a{n}\n", size * 3 // 10)
    rules = _repeat(lambda n: f"Allow: /{n}\nDisallow: /{n}\n", size * 3 // 10)
    return b"\n".join(
        [stack, rules, _repeat(lambda n: f"User-agent: a{n}\nDisallow: /x{n}\n", size * 4 // 10)]
    )


SHAPES: dict[str, Callable[[int], bytes]] = {
    "one long line": lambda size: b"User-agent: *\nDisallow: /" + b"a" * (size - 25),
    "one line of spaces": lambda size: b"User-agent: *\nDisallow" + b" " * (size - 22),
    "one line of stars": lambda size: b"User-agent: *\nDisallow: /" + b"*a" * (size // 2 - 13),
    "one long name": lambda size: b"User-agent: " + b"a" * (size - 12),
    "empty lines": lambda size: b"User-agent: *" + b"\n" * (size - 13),
    "groups of many": lambda size: _repeat(lambda n: f"User-agent: a{n}\nDisallow: /{n}\n", size),
    "groups of one": lambda size: _repeat(lambda n: f"User-agent: a\nAllow: /{n}\n", size),
    "stacked agents": lambda size: _repeat(lambda n: f"User-agent: a{n}\n", size, tail="Disallow: /\n"),
    "many rules": lambda size: _repeat(lambda n: f"Disallow: /{n}\nAllow: /{n}/\n", size, "User-agent: *\n"),
    "rules of ten stars": lambda size: _repeat(
        lambda n: f"Disallow: /{n}{'*a' * 10}b\nAllow: /{n}{'*b' * 10}a\n", size, "User-agent: *\n"
    ),
    "covered rules": lambda size: _repeat(
        lambda n: f"Disallow: /{n}.x\nAllow: /****{n}.x\n", size, "User-agent: *\n"
    ),
    "shared and own rules": _shared_and_own,
    "delays": lambda size: _repeat(lambda n: f"User-agent: a{n}\nCrawl-delay: {n}\n", size),
}


def main() -> int:
    """Print one line per shape: milliseconds at the largest size and the exponent, for each step."""
    options = _read_options()
    lines_limit = max(options.largest, lines.READ_LIMIT)
    lines.READ_LIMIT = lines_limit
    steps = _make_steps(options.dialect)
    names = "".join(f"{name:>24}" for name in steps)
    sys.stdout.write(f"{'shape':<22}{names}   (ms at {options.largest} octets, exponent)\n")
    for shape, make in SHAPES.items():
        sizes = [options.largest >> (STEPS - 1 - step) for step in range(STEPS)]
        bodies = [make(size) for size in sizes]
        cells = "".join(_measure(step, sizes, bodies) for step in steps.values())
        sys.stdout.write(f"{shape:<22}{cells}\n")
        sys.stdout.flush()
    return 0


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dialect", choices=sorted(READINGS), default="rfc9309")
    parser.add_argument("--largest", type=int, default=lines.READ_LIMIT, metavar="OCTETS")
    return parser.parse_args()


def _make_steps(dialect: str) -> dict[str, Callable[[bytes], object]]:
    registry = read_registry()
    return {
        "parse": lambda body: parse_robots(body, READINGS[dialect]),
        "classify": lambda body: Classifier(dialect, registry).read(body),
        "explain and match": lambda body: explain(body, ["a1", "a"], f"https://h{PATH}", dialect),
    }


def _measure(step: Callable[[bytes], object], sizes: list[int], bodies: list[bytes]) -> str:
    seconds = [min(_time(step, body) for _ in range(ROUNDS)) for body in bodies]
    slope = math.log(seconds[-1] / seconds[1]) / math.log(sizes[-1] / sizes[1])
    return f"{seconds[-1] * 1000:>16.1f}{slope:>8.2f}"


def _time(step: Callable[[bytes], object], body: bytes) -> float:
    start = time.perf_counter()
    step(body)
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
