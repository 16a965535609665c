"""SQL models, datasets and the report, over a DuckDB connection handed in."""

import os

# The sums of several threads differ in their last digits, and the small systems that are solved here take
# many times as long with them. It holds as long as nobody has imported numpy before, or has set it otherwise.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
