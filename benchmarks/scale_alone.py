"""Reads captures in processes that know nothing of each other, and says as one line of JSON when.

    python benchmarks/scale_alone.py FOLDER LIST N_PROCESSES

LIST names a file below FOLDER in each line; every process has its share of them. There is no engine here,
nothing is passed on and nothing is written: how much less a core does when the other works too is the
machine's own, and no engine can do better.
"""

import argparse
import json
import time
from multiprocessing import get_context
from pathlib import Path

from snapshots.captures import scan_warc


def read_files(paths: list[Path]) -> int:
    """Read every capture of some files, verify it, and take its body; returns how many there are."""
    return sum(len(capture.body) >= 0 for path in paths for capture in scan_warc(path.read_bytes(), "alone"))


def main() -> None:
    """Read, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("list", type=Path)
    parser.add_argument("n_processes", type=int)
    arguments = parser.parse_args()
    n = arguments.n_processes
    paths = [arguments.folder / name for name in arguments.list.read_text().split()]
    with get_context("fork").Pool(n) as pool:
        began = time.time()
        n_captures = sum(pool.map(read_files, [paths[number::n] for number in range(n)], chunksize=1))
        ended = time.time()
    print(json.dumps({"began": began, "ended": ended, "captures": n_captures}))


if __name__ == "__main__":
    main()
