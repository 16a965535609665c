"""Builds the benchmark's input: a miniature Common Crawl of robots.txt answers, equal for equal seeds.

The layout is Common Crawl's: collinfo.json, robotstxt.paths.gz and WARC files whose serial follows the shard
law; each file a warcinfo record, then a request and a response record per capture, one gzip member each.
"""

import argparse
import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from bodies import Bodies, corpus_folder, extend_bodies, make_bodies
from records import MIX, SNAPSHOT, Answer, warc_file

VERSION = 2  # part of the cache key: raise it when the bytes change
N_SEGMENTS, N_SERIALS = 4, 10


class Shape(NamedTuple):
    """Segments, files per segment, and how many text answers have bodies of their own.

    The bodies of any further answers are those once more with a line added: see `extend_bodies`.
    """

    n_segments: int = N_SEGMENTS
    n_serials: int = N_SERIALS
    n_own_bodies: int | None = None


class Workload(NamedTuple):
    """A built workload: its folder (a Common Crawl layout), files in order, and what it holds."""

    root: Path
    files: tuple[Path, ...]
    n_captures: int
    n_bytes: int
    n_text: int
    n_digests: int
    origin: str


def build(work: Path, n_captures: int, seed: int = 1, shape: Shape | None = None) -> Workload:
    """The workload under `work`, built unless it is there already."""
    corpus = corpus_folder()
    form = "" if shape is None else f"-{'x'.join(map(str, shape))}"
    root = work / f"scan-v{VERSION}-{n_captures}-{seed}{form}-{'real' if corpus else 'made-up'}"
    if not (root / "workload.json").is_file():
        shape, kinds = shape or Shape(), _kinds(n_captures, seed)
        n_text = kinds.count("text")
        bodies = make_bodies(min(n_text, shape.n_own_bodies or n_text), seed, corpus)
        bodies = extend_bodies(bodies, n_text)
        _write(root, _answers(kinds, bodies, seed), bodies, seed, shape)
    facts = json.loads((root / "workload.json").read_text())
    return Workload(root, tuple(root / name for name in facts.pop("files")), **facts)


def _kinds(n_captures: int, seed: int) -> list[str]:
    kinds = [kind for kind, share, _ in MIX for _ in range(round(share * n_captures))]
    kinds += ["error"] * (n_captures - len(kinds))
    random.Random(f"kinds {seed}").shuffle(kinds)
    return kinds[:n_captures]


def _answers(kinds: list[str], bodies: Bodies, seed: int) -> list[Answer]:
    """One host per answer, except that every redirect leads from http to the https answer of a text host."""
    rng, picks = random.Random(f"answers {seed}"), iter(bodies.picks)
    hosts = [_host(i, rng) for i in range(len(kinds))]
    text = [i for i, kind in enumerate(kinds) if kind == "text"]
    targets = rng.sample(text, min(kinds.count("redirect"), len(text)))
    secure, sources = set(targets), iter(targets)
    answers = []
    for i, kind in enumerate(kinds):
        host = hosts[next(sources, i)] if kind == "redirect" else hosts[i]
        is_secure = kind != "redirect" and (i in secure or rng.random() < 0.6)
        url = f"http{'s' if is_secure else ''}://{host}/robots.txt"
        answers.append(Answer(url, host, kind, next(picks) if kind == "text" else None))
    return answers


def _host(number: int, rng: random.Random) -> str:
    name = "".join(rng.choices("abcdefghilmnoprstuvz", k=rng.randint(4, 14)))
    prefix, suffix = (
        rng.choice(("www.", "www.", "", "blog.")),
        rng.choice(("com", "com", "org", "de", "co.uk")),
    )
    return f"{prefix}{name}{number:x}.{suffix}"


def url_serial(url: str, n_files: int) -> int:
    """Common Crawl's shard law: Hadoop's Text.hashCode of the URL modulo the number of files per segment."""
    h = 1
    for byte in url.encode():
        h = (31 * h + (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF
    return (h & 0x7FFFFFFF) % n_files


def _write(root: Path, answers: list[Answer], bodies: Bodies, seed: int, shape: Shape) -> None:
    """Writes the layout; workload.json comes last, so that a build that was cut short is built again."""
    by_file: dict[tuple[int, int], list[Answer]] = {
        (s, k): [] for s in range(shape.n_segments) for k in range(shape.n_serials)
    }
    rng = random.Random(f"segments {seed}")
    for answer in answers:
        by_file[rng.randrange(shape.n_segments), url_serial(answer.url, shape.n_serials)].append(answer)
    names = []
    for (segment, serial), members in by_file.items():
        name = (
            f"crawl-data/{SNAPSHOT}/segments/{1722640454000 + segment}.{segment:02d}/robotstxt/"
            f"CC-MAIN-2024080612{segment:02d}00-2024080615{segment:02d}00-{serial:05d}.warc.gz"
        )
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(warc_file(members, bodies, random.Random(f"{name} {seed}")))
        names.append(name)
    _write_lists(root, names)
    n_text = Counter(answer.kind for answer in answers)["text"]
    facts = {
        "files": names,
        "n_captures": len(answers),
        "n_bytes": sum((root / name).stat().st_size for name in names),
        "n_text": n_text,
        "n_digests": len(set(bodies.picks)),
        "origin": bodies.origin,
    }
    (root / "workload.json").write_text(json.dumps(facts, indent=1))


def _write_lists(root: Path, names: list[str]) -> None:
    info = {
        "id": SNAPSHOT,
        "name": "August 2024 Index",
        "timegate": "",
        "cdx-api": "",
        "from": "2024-08-03T00:00:00",
        "to": "2024-08-16T00:00:00",
    }
    (root / "collinfo.json").write_text(json.dumps([info]))
    paths = "".join(name + "\n" for name in names).encode()
    (root / "crawl-data" / SNAPSHOT / "robotstxt.paths.gz").write_bytes(gzip.compress(paths, mtime=0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--captures", type=int, default=50_000)
    print(build(**{"work": (a := parser.parse_args()).work, "n_captures": a.captures})._replace(files=()))
