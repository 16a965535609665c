"""The bodies of the benchmark's answers: robots.txt files and HTML pages.

Real robots.txt files are used where a corpus folder is at hand (captures.parquet and bodies.parquet), with
the repetition that the corpus itself has; otherwise bodies are made up with the same size distribution.
"""

import bisect
import itertools
import math
import os
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

LARGEST_BODY = 1 << 20  # Common Crawl cuts bodies at 1 MiB (5 MiB since 2025)
AI_SHARE = 0.20
DIGESTS_PER_BODY = 14_344 / 31_413
POPULAR = 0.01  # a body on more than this share of sites is a host's default file and carries no AI block
REAL_CORPORA = ("links-2024", "top-2019")

# (share of bodies, bytes up to): what the real files of 2019–2024 look like
SIZES = (
    (0.05, 65),
    (0.10, 75),
    (0.25, 130),
    (0.50, 300),
    (0.75, 1_150),
    (0.90, 3_900),
    (0.99, 40_000),
    (1, 200_000),
)
PATHS = (
    "admin api cart checkout cgi-bin feed include login modules node private search tag tmp user"
    " wp-admin wp-json"
)
AGENTS = (
    "GPTBot ChatGPT-User OAI-SearchBot CCBot anthropic-ai Claude-Web ClaudeBot Google-Extended Bytespider"
    " Amazonbot Applebot-Extended FacebookBot meta-externalagent cohere-ai Diffbot Omgilibot PerplexityBot"
    " YouBot AI2Bot Timpibot"
)
OTHER_AGENTS = "Googlebot Bingbot AhrefsBot SemrushBot MJ12bot Baiduspider Yandex DotBot ia_archiver Slurp"


class Bodies(NamedTuple):
    """The distinct robots.txt bodies, and for every text answer the number of its body."""

    distinct: list[bytes]
    picks: list[int]
    origin: str


def corpus_folder() -> Path | None:
    """The folder of real files: $CENSUS_SHARED/corpus or ../shared/corpus; None when there is none."""
    shared = os.environ.get("CENSUS_SHARED")
    root = Path(shared) if shared else Path(__file__).resolve().parents[2] / "shared"
    return root / "corpus" if (root / "corpus" / "bodies.parquet").is_file() else None


def make_bodies(n_bodies: int, seed: int, corpus: Path | None) -> Bodies:
    """Bodies for n_bodies text answers, a fifth of them with an AI block."""
    rng = random.Random(f"bodies {seed}")
    bodies = _synthetic(n_bodies, rng) if corpus is None else _real(n_bodies, rng, corpus)
    return bodies._replace(distinct=_with_ai_blocks(bodies, rng))


def extend_bodies(bodies: Bodies, n_bodies: int) -> Bodies:
    """The same for more answers: the picks repeat, each time of bodies with a line more than the last time.

    So the share of distinct bodies stays as it is, however many answers there are. Popular bodies stay as
    they are, and are picked again.
    """
    counts, distinct, picks = Counter(bodies.picks), list(bodies.distinct), list(bodies.picks)
    made: dict[tuple[int, int], int] = {}
    for number in range(len(picks), n_bodies):
        time, place = divmod(number, len(bodies.picks))
        body = bodies.picks[place]
        if counts[body] > max(1, len(bodies.picks) * POPULAR):
            picks.append(body)
            continue
        if (time, body) not in made:
            made[time, body] = len(distinct)
            distinct.append(distinct[body] + f"\nSitemap: https://s{time}.example/sitemap.xml\n".encode())
        picks.append(made[time, body])
    return Bodies(distinct, picks[:n_bodies], bodies.origin)


def _real(n_bodies: int, rng: random.Random, corpus: Path) -> Bodies:
    digests = _captured_digests(corpus, rng)
    by_digest = _read_bodies(corpus, set(digests[:n_bodies]))
    known = [digest for digest in digests if digest in by_digest][:n_bodies]
    while len(known) < n_bodies:
        known.append(known[rng.randrange(len(known))])
    numbers = {digest: i for i, digest in enumerate(sorted(set(known)))}
    return Bodies([by_digest[d] for d in numbers], [numbers[d] for d in known], "real robots.txt files")


def _captured_digests(corpus: Path, rng: random.Random) -> list[str]:
    """One digest per host of the broad collections, shuffled."""
    import pyarrow.parquet as pq

    table = pq.read_table(corpus / "captures.parquet", columns=["corpus", "host", "status", "digest"])
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    digests = {
        host: digest
        for name, host, status, digest in rows
        if name in REAL_CORPORA and status == 200 and digest
    }
    ordered = [digests[host] for host in sorted(digests)]
    rng.shuffle(ordered)
    return ordered


def _read_bodies(corpus: Path, wanted: set[str]) -> dict[str, bytes]:
    import pyarrow.parquet as pq

    found: dict[str, bytes] = {}
    for batch in pq.ParquetFile(corpus / "bodies.parquet").iter_batches(2_000, columns=["digest", "body"]):
        for digest, body in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            if digest in wanted and len(body) <= LARGEST_BODY:
                found[digest] = body
    return found


def _synthetic(n_bodies: int, rng: random.Random) -> Bodies:
    n_distinct = max(1, round(n_bodies * DIGESTS_PER_BODY))
    distinct = [_made_up(_size(rng), i, rng) for i in range(n_distinct)]
    popularity = list(itertools.accumulate(1 / (rank + 3) for rank in range(n_distinct)))
    picks = list(range(min(n_distinct, n_bodies)))
    while len(picks) < n_bodies:
        picks.append(bisect.bisect(popularity, rng.random() * popularity[-1]) % n_distinct)
    rng.shuffle(picks)
    return Bodies(distinct, picks, "made-up robots.txt files (no corpus folder found)")


def _size(rng: random.Random) -> int:
    """A body size in bytes, log-linear between the quantiles of SIZES."""
    share, below, smallest = rng.random(), 0.0, 26
    for upto, largest in SIZES:
        if share <= upto:
            part = (share - below) / (upto - below)
            return int(math.exp(math.log(smallest) * (1 - part) + math.log(largest) * part))
        below, smallest = upto, largest
    return smallest


def _made_up(n_bytes: int, number: int, rng: random.Random) -> bytes:
    words, lines = PATHS.split(), ["User-agent: *", f"Disallow: /{number:x}/"]
    length = 30
    allows_left = rng.randint(1, 8) if rng.random() < 0.4 else 0
    while length < n_bytes:
        if rng.random() < 0.08:
            lines += ["", f"User-agent: {rng.choice(OTHER_AGENTS.split())}"]
        key = "Allow" if allows_left and rng.random() < 0.1 else "Disallow"
        allows_left -= key == "Allow"
        path = "/".join(rng.choices(words, k=rng.randint(1, 3)))
        lines.append(f"{key}: /{path}/{rng.choice(('', '*', '*?'))}")
        length += len(lines[-1]) + 1
    return "\n".join([*lines, ""]).encode()


def _with_ai_blocks(bodies: Bodies, rng: random.Random) -> list[bytes]:
    """The distinct bodies, an AI block added to so many that AI_SHARE of the answers carry one."""
    counts, distinct = Counter(bodies.picks), list(bodies.distinct)
    order = list(range(len(distinct)))
    rng.shuffle(order)
    left = len(bodies.picks) * AI_SHARE
    for number in order:
        if left > 0 and counts[number] <= max(1, len(bodies.picks) * POPULAR):
            distinct[number] = _add_block(distinct[number], rng)
            left -= counts[number]
    return distinct


def _add_block(body: bytes, rng: random.Random) -> bytes:
    """The body with a common form of block: managed in front, or separate groups or stacked agents behind."""
    agents = [agent for agent in AGENTS.split() if rng.random() < 0.5] or ["GPTBot"]
    form = rng.randrange(3)
    if form == 0:
        groups = "\n".join(f"User-agent: {a}\nDisallow: /\n" for a in agents[:8])
        return f"# BEGIN managed content\nUser-agent: *\nAllow: /\n\n{groups}# END\n\n".encode() + body
    if form == 1:
        rule = rng.choice(("Disallow: /", "Disallow: /", "Disallow: /private/", "Allow: /"))
        return body + b"\n\n" + "\n".join(f"User-agent: {a}\n{rule}\n" for a in agents).encode()
    return body + b"\n\n" + "".join(f"User-agent: {a}\n" for a in agents).encode() + b"Disallow: /\n"


def html_page(status: int, host: str, rng: random.Random) -> bytes:
    """An error or home page: a third a server's short default, the rest a page of the site."""
    if rng.random() < 0.35:
        return (
            f"<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>"
            "\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n".encode()
        )
    words, parts = PATHS.split(), [f"<!DOCTYPE html><html><head><title>{host}</title></head><body>"]
    for _ in range(int(rng.lognormvariate(4.32, 0.8))):
        text = " ".join(rng.choices(words, k=8))
        name = f"{rng.choice(words)}-{rng.randrange(99)}"
        parts.append(f'<div class="{name}"><a href="/{rng.choice(words)}">{text}</a></div>\n')
    return ("".join(parts) + f"<p>{rng.getrandbits(64):x}</p></body></html>").encode()
