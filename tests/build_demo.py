"""Write the demo's miniature archive in Common Crawl's layout, its sites.csv and its expected result.

    python tests/build_demo.py pipeline/demo

What the hosts answered is written by hand in demo_data/*.toml, and so is what each answer means. Nothing
here reads a robots.txt: the expected result follows from those judgements alone. Same input, same bytes.
"""

import csv
import json
import shutil
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from demo_index import write_index
from demo_pages import write_pages
from demo_warc import (
    N_FILES,
    NAMES_WITH_END_TIME_SINCE,
    Answer,
    Exchange,
    Place,
    Snapshot,
    compress,
    rank,
    write_warc,
)

DATA = Path(__file__).parent / "demo_data"
CORPORA = ("c4_tokens", "dolma_tokens")
HEAD_SIZE = 10
COUNTS = ("snapshot", "n_captures", "n_lost", "n_digest_wrong", "n_digest_none", "n_misplaced", "n_bodies")
AGENTS = ("*", "CCBot", "ClaudeBot", "GPTBot", "Google-Extended", "Googlebot")
TARGETS_UNDER_FIRST_URL_BEFORE = "CC-MAIN-2017-26"
STAMP = "%Y%m%d%H%M%S"


# ---- reading what was written by hand ------------------------------------------------------------


def read_toml(name: str) -> dict[str, Any]:
    with (DATA / name).open("rb") as file:
        return tomllib.load(file)


def read_answers() -> dict[str, Answer]:
    return {name: make_answer(row) for name, row in read_toml("answers.toml").items()}


def make_answer(row: dict[str, Any]) -> Answer:
    body = row["text"].replace("\n", row.get("newline", "\n")).encode("utf-8")
    if encoding := row.get("encoding"):
        body = row["text"].encode(encoding)
    headers = [("Content-Type", row.get("type", "text/plain"))]
    headers += [tuple(line.split(": ", 1)) for line in row.get("headers", [])]
    state, levels = row.get("state", "rules"), row.get("levels", {})
    return Answer(row.get("status", 200), state, levels, tuple(headers), body)


def read_snapshots() -> list[Snapshot]:
    return [
        Snapshot(
            key,
            row["id"],
            tuple(row["segments"]),
            tuple(row["starts"]),
            {"name": row["name"], "from": row["from"].isoformat(), "to": row["to"].isoformat()},
        )
        for key, row in read_toml("snapshots.toml").items()
    ]


# ---- what the crawler met ------------------------------------------------------------------------


def list_exchanges(host: dict[str, Any], snapshot: Snapshot, answers: dict[str, Answer]) -> list[Exchange]:
    """Every request to a host in a snapshot with its answer; empty when it was not asked."""
    chains = host.get(snapshot.key, [])
    chains = [chains] if isinstance(chains, str) else chains
    first = int(2 * rank(host["name"] + snapshot.id)) if len(chains) == 1 else 0
    found = [
        exchange
        for n, chain in enumerate(chains)
        if not chain.startswith("= ")
        for exchange in follow(chain, host, snapshot, first + n, answers)
    ]
    if found:
        found[-1] = replace(found[-1], **traits_of_last(host, snapshot))
    if int(snapshot.key) in host.get("misplaced", []):
        later = found[-1].time + timedelta(minutes=1)
        found.append(replace(found[-1], n_away=1, time=later))
    return found


def traits_of_last(host: dict[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    return {
        "digest": host.get("digest", {}).get(snapshot.key, "right"),
        "damage": host.get("damage", {}).get(snapshot.key, ""),
        "truncated": host.get("truncated", {}).get(snapshot.key, ""),
    }


def follow(
    chain: str, host: dict[str, Any], snapshot: Snapshot, segment: int, answers: dict[str, Answer]
) -> Iterator[Exchange]:
    """The exchanges of one chain of redirects, written as `301 https > open`."""
    name, steps = host["name"], chain.split(" > ")
    url = steps.pop(0)[1:] if chain.startswith("@") else f"http://{name}/robots.txt"
    hours = 5.5 if host.get("last") else 5 * rank(name + snapshot.id + "time")
    time = snapshot.starts[segment] + timedelta(seconds=int(3600 * hours))
    first_url = url
    for step in steps:
        answer, target = take_step(step, url, name, answers)
        uri = first_url if snapshot.id < TARGETS_UNDER_FIRST_URL_BEFORE else url
        server = host.get("server", "nginx")
        yield Exchange(snapshot, segment, name, url, uri, time, answer, server)
        url, time = target, time + timedelta(seconds=int(2 * rank(url)))


def take_step(step: str, url: str, name: str, answers: dict[str, Answer]) -> tuple[Answer, str]:
    """The answer of one step of a chain, and the URL that it leads to (the same URL when it ends there)."""
    status, _, place = step.partition(" ")
    if not status.isdigit():
        return answers[step], url
    shorthand = {
        "https": f"https://{name}/robots.txt",
        "www": f"http://www.{name}/robots.txt",
        "https+www": f"https://www.{name}/robots.txt",
    }
    location = shorthand.get(place, place)
    headers = (("Location", location),) if location else ()
    return Answer(int(status), "unresolved_redirect", {}, headers), urljoin(url, location)


# ---- the layout ----------------------------------------------------------------------------------


def warc_path(snapshot: Snapshot, segment: int, serial: int) -> str:
    start = snapshot.starts[segment]
    name = f"CC-MAIN-{start:{STAMP}}-{serial:05d}-ip-10-171-6-4.ec2.internal"
    if snapshot.id >= NAMES_WITH_END_TIME_SINCE:
        name = f"CC-MAIN-{start:{STAMP}}-{start + timedelta(hours=3):{STAMP}}-{serial:05d}"
    return f"crawl-data/{snapshot.id}/segments/{snapshot.segments[segment]}/robotstxt/{name}.warc.gz"


def write_snapshot(root: Path, snapshot: Snapshot, exchanges: Sequence[Exchange]) -> None:
    """Write the WARC files of a snapshot, their list, and the columnar index over them."""
    found: list[Place] = []
    places = [(segment, serial) for segment in range(len(snapshot.segments)) for serial in range(N_FILES)]
    paths = [warc_path(snapshot, *place) for place in places]
    for place, path in zip(places, paths, strict=True):
        here = [e for e in exchanges if (e.segment, e.serial) == place]
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        data, placed = write_warc(snapshot, path, here)
        (root / path).write_bytes(data)
        found += placed
    listing = compress("".join(path + "\n" for path in paths).encode())
    (root / f"crawl-data/{snapshot.id}/robotstxt.paths.gz").write_bytes(listing)
    write_index(root, snapshot, found)


def write_collinfo(root: Path, snapshots: Sequence[Snapshot]) -> None:
    rows = [{"id": s.id, **s.about, "timegate": "", "cdx-api": ""} for s in reversed(snapshots)]
    (root / "collinfo.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


# ---- the expected result -------------------------------------------------------------------------


def expect_answer(
    host: dict[str, Any], key: str, answers: dict[str, Answer]
) -> tuple[str, str, Answer | None]:
    """Access state, end of the chain and the answer that counts (None when there is none)."""
    name = host.get("expect", {}).get(key) or last_step(host.get(key))
    if reason := host.get("ends", {}).get(key):
        return "unresolved_redirect", reason, None
    if name == "not_captured":
        return name, "", None
    return answers[name].state, "final", answers[name]


def last_step(chains: str | list[str] | None) -> str:
    if chains is None:
        return "not_captured"
    chain = chains if isinstance(chains, str) else chains[-1]
    return chain.split(" > ")[-1].removeprefix("= ")


def expect_level(answer: Answer | None, agent: str) -> str:
    """`group match/restriction`: of the agent if it is named, else of `*`, else nothing is declared.

    Empty where the answer is no file of rules: nothing is claimed then.
    """
    if answer is None or answer.state != "rules":
        return ""
    if agent != "*" and agent in answer.levels:
        return f"specific/{answer.levels[agent]}"
    return f"wildcard/{answer.levels['*']}" if "*" in answer.levels else "none/none"


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [header, *sorted(rows, key=lambda r: [str(x) for x in r[:2]])]
        )


def write_expected(path: Path, hosts: list[dict[str, Any]], snapshots: list[Snapshot]) -> None:
    answers, rows = read_answers(), []
    for host in hosts:
        for snapshot in snapshots:
            state, reason, answer = expect_answer(host, snapshot.key, answers)
            levels = [expect_level(answer, agent) for agent in AGENTS]
            rows.append((host["name"], snapshot.id, state, reason, *levels))
    write_csv(path, ("host", "snapshot", "access_state", "end_reason", *AGENTS), rows)


def count_exchanges(snapshot: Snapshot, exchanges: Sequence[Exchange]) -> tuple[object, ...]:
    sound = [e for e in exchanges if not e.damage]
    return (
        snapshot.id,
        len(sound),
        len(exchanges) - len(sound),
        sum(e.digest == "wrong" for e in sound),
        sum(e.digest == "none" for e in sound),
        sum(e.n_away > 0 for e in sound),
        len({e.answer.body for e in sound if e.answer.status == 200}),
    )


def write_sites(path: Path, hosts: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> None:
    """Hosts and the sources that are none, with the ten largest of each corpus as its head."""
    sources = [*hosts, *others]
    heads = [sorted(s[corpus] for s in sources)[-HEAD_SIZE] for corpus in CORPORA]
    flags = tuple(corpus.replace("_tokens", "_head") for corpus in CORPORA)
    rows = []
    for source in sources:
        weights = [source[corpus] for corpus in CORPORA]
        in_head = [int(weight >= least) for weight, least in zip(weights, heads, strict=True)]
        assert (source["stratum"] == "head") == any(in_head), source["name"]
        rows.append([source["name"], source["stratum"], *weights, *in_head, int(source in hosts)])
    write_csv(path, ("host", "stratum", *CORPORA, *flags, "is_domain"), rows)


def main(folder: Path) -> None:
    """Write archive/, sites.csv and expected/ below a folder, in place of what was there."""
    hosts, snapshots, answers = read_toml("hosts.toml")["host"], read_snapshots(), read_answers()
    others = read_toml("hosts.toml")["source"]
    pages = read_toml("pages.toml")["pages"]
    shutil.rmtree(folder / "archive", ignore_errors=True)
    counts = []
    for snapshot in snapshots:
        exchanges = [e for host in hosts for e in list_exchanges(host, snapshot, answers)]
        write_snapshot(folder / "archive", snapshot, exchanges)
        write_pages(folder / "archive", snapshot, pages)
        counts.append(count_exchanges(snapshot, exchanges))
    write_collinfo(folder / "archive", snapshots)
    studied = [host for host in hosts if "stratum" in host]
    write_sites(folder / "sites.csv", studied, others)
    write_csv(folder / "expected" / "counts.csv", COUNTS, counts)
    write_expected(folder / "expected" / "answers.csv", studied, snapshots)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
