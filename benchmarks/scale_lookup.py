"""How long the body store of a study takes to say which digests it has: seconds, as one line.

    python benchmarks/scale_lookup.py STUDY

Asked are as many digests as a task of `capture` brings, none of which the store has: none can be passed over.
"""

import base64
import random
import sys
import time
from pathlib import Path

import pyarrow as pa

from pipeline.job import context_of
from pipeline.known import drop_known
from pipeline.study import read_study

N_ASKED = 25_000
DIGEST_BYTES = 20


def main() -> None:
    """Ask twice, for the first time reads the parts from the disk; print the second time."""
    layout, rng = context_of(read_study(Path(sys.argv[1]))).layout, random.Random("digests")
    asked = pa.array(sorted(base64.b32encode(rng.randbytes(DIGEST_BYTES)).decode() for _ in range(N_ASKED)))
    for _ in range(2):
        started = time.perf_counter()
        n_left = len(drop_known(layout, asked))
        elapsed_s = time.perf_counter() - started
    if n_left != N_ASKED:
        sys.exit(f"the store says that it has {N_ASKED - n_left} digests drawn by chance")
    print(elapsed_s)


if __name__ == "__main__":
    main()
