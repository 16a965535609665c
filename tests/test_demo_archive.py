"""The bundled archive is what its builder writes, laid out as Common Crawl's, damaged where it says."""

import csv
import gzip
import json
import re
import subprocess
import sys
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "pipeline" / "demo"
ARCHIVE = DEMO / "archive"
HOSTS = tomllib.loads((ROOT / "tests/demo_data/hosts.toml").read_text(encoding="utf-8"))["host"]
ANSWERS = tomllib.loads((ROOT / "tests/demo_data/answers.toml").read_text(encoding="utf-8"))
SNAPSHOTS = tomllib.loads((ROOT / "tests/demo_data/snapshots.toml").read_text(encoding="utf-8"))
IDS = [row["id"] for row in SNAPSHOTS.values()]
NEW_NAME = re.compile(r"CC-MAIN-(\d{14})-(\d{14})-(\d{5})\.warc\.gz")
OLD_NAME = re.compile(r"CC-MAIN-(\d{14})-(\d{5})-ip-[\d-]+\.ec2\.internal\.warc\.gz")
N_FILES = 4


def list_paths(snapshot: str) -> list[str]:
    listing = gzip.decompress((ARCHIVE / f"crawl-data/{snapshot}/robotstxt.paths.gz").read_bytes())
    return listing.decode("ascii").splitlines()


def iter_members(data: bytes) -> Iterator[bytes]:
    """The gzip members of a file, inflated; a damaged or unfinished one comes as empty bytes."""
    while data:
        machine = zlib.decompressobj(zlib.MAX_WBITS + 16)
        try:
            text = machine.decompress(data)
        except zlib.error:
            machine, text = None, b""
        is_whole = machine is not None and machine.eof
        yield text if is_whole else b""
        next_start = data.find(b"\x1f\x8b\x08\x00", 4)
        data = machine.unused_data if is_whole else (data[next_start:] if next_start > 0 else b"")


def member_lists() -> dict[str, list[bytes]]:
    return {path: list(iter_members((ARCHIVE / path).read_bytes())) for s in IDS for path in list_paths(s)}


def read_csv(name: str) -> list[dict[str, str]]:
    with (DEMO / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files_below(folder: Path) -> dict[str, bytes]:
    """Path → bytes of every file that the builder writes."""
    places = [folder / "sites.csv", *(folder / "archive").rglob("*"), *(folder / "expected").rglob("*")]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in places if p.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, ROOT / "tests/build_demo.py", folder], check=True)
    return files_below(folder)


def test_the_builder_writes_the_bundled_files(built: dict[str, bytes]) -> None:
    bundled = files_below(DEMO)
    assert sorted(built) == sorted(bundled)
    if "ng" in zlib.ZLIB_RUNTIME_VERSION:
        pytest.skip("another zlib packs the same records into other bytes")
    # Parquet files name the version that wrote them: test_demo_index.py compares their rows.
    different = [name for name in built if built[name] != bundled[name] and not name.endswith(".parquet")]
    assert different == []


def test_the_builder_writes_the_same_bytes_twice(built: dict[str, bytes], tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tests/build_demo.py", tmp_path], check=True)
    assert files_below(tmp_path) == built


def test_the_bundle_is_small() -> None:
    sizes = {path: path.stat().st_size for path in DEMO.rglob("*") if path.is_file()}
    n_index = sum(size for path, size in sizes.items() if "cc-index" in path.as_posix())
    n_pages = sum(size for path, size in sizes.items() if "subset=warc" in path.as_posix())
    assert 0 < n_pages < 100_000
    assert 0 < n_index - n_pages < 150_000
    assert sum(sizes.values()) - n_index < 400_000


def test_collinfo_lists_the_snapshots_newest_first() -> None:
    rows = json.loads((ARCHIVE / "collinfo.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in rows] == sorted(IDS, reverse=True)
    assert all(row["from"] < row["to"] for row in rows)
    assert all(row["from"][:4] == row["id"][8:12] for row in rows)


@pytest.mark.parametrize("snapshot", IDS)
def test_path_lists_name_every_file_and_no_other(snapshot: str) -> None:
    found = {
        p.relative_to(ARCHIVE).as_posix() for p in (ARCHIVE / "crawl-data" / snapshot).rglob("*.warc.gz")
    }
    paths = list_paths(snapshot)
    assert len(paths) == len(set(paths)) == 2 * N_FILES
    assert set(paths) == found


@pytest.mark.parametrize("snapshot", IDS)
def test_file_names_are_those_of_the_time(snapshot: str) -> None:
    pattern = NEW_NAME if snapshot >= "CC-MAIN-2017-22" else OLD_NAME
    serials = Counter(pattern.fullmatch(Path(path).name)[pattern.groups] for path in list_paths(snapshot))
    assert serials == {f"{n:05d}": 2 for n in range(N_FILES)}


def hadoop_serial(url: str) -> int:
    h = 1
    for b in url.encode():
        h = (31 * h + (b - 256 if b > 127 else b)) & 0xFFFFFFFF
    return (h & 0x7FFFFFFF) % N_FILES


def target_uri(member: bytes) -> str | None:
    found = re.search(rb"\r\nWARC-Target-URI: ([^\r\n]+)", member.split(b"\r\n\r\n")[0])
    return found[1].decode() if found else None


def test_serials_follow_the_shard_law_but_for_the_strayed_copy() -> None:
    strayed = []
    for path, members in member_lists().items():
        serial = int(re.search(r"-(\d{5})(?:-ip|\.warc)", path)[1])
        urls = {url for member in members if (url := target_uri(member))}
        strayed += [(path.split("/")[1], url) for url in urls if hadoop_serial(url) != serial]
    assert strayed == [("CC-MAIN-2024-10", "http://strayed.example/robots.txt")]


def test_shard_law_of_this_file_agrees_with_a_published_pair() -> None:
    h = 1
    for b in b"http://commoncrawl.org/robots.txt":
        h = (31 * h + b) & 0xFFFFFFFF
    assert (h & 0x7FFFFFFF) % 720 == 73  # CC-MAIN-2017-34


def test_every_file_begins_with_warcinfo_and_requests_stand_before_responses() -> None:
    kind = re.compile(rb"WARC/1\.0\r\n(?:[^\r\n]+\r\n)*?WARC-Type: (\w+)")
    for path, members in member_lists().items():
        kinds = [found[1] if (found := kind.match(m)) else b"lost" for m in members]
        assert kinds[0] == b"warcinfo", path
        assert set(kinds[1::2]) <= {b"request"}, path
        assert set(kinds[2::2]) <= {b"response", b"lost"}, path


def test_three_files_are_damaged_each_in_its_way() -> None:
    lists = member_lists()
    holes = {
        (path.split("/")[1], members.index(b"") == len(members) - 1)
        for path, members in lists.items()
        if b"" in members
    }
    assert holes == {("CC-MAIN-2020-24", True), ("CC-MAIN-2023-40", False)}
    headless = [
        path.split("/")[1]
        for path, members in lists.items()
        for m in members
        if m[:1] == b"W" and m[1:4] != b"ARC"
    ]
    assert headless == ["CC-MAIN-2018-34"]


def sound_files() -> list[str]:
    return [path for path, members in member_lists().items() if all(m[:5] == b"WARC/" for m in members)]


def test_warcio_reads_every_sound_file_and_its_digests() -> None:
    assert len(sound_files()) == 2 * N_FILES * len(IDS) - 3
    failed = []
    for path in sound_files():
        with (ARCHIVE / path).open("rb") as file:
            for record in ArchiveIterator(file, check_digests=True):
                record.content_stream().read()
                if record.digest_checker.passed is False:
                    failed.append((path.split("/")[1], record.rec_headers["WARC-Target-URI"]))
    old = "CC-MAIN-2018-34"  # the digest leaves out the extra line end of that snapshot
    wrong = "http://digests.example/robots.txt"
    assert sorted(x for x in failed if x[0] != old) == [
        ("CC-MAIN-2020-24", wrong),
        ("CC-MAIN-2024-10", wrong),
    ]


def test_cc_main_2018_34_has_an_extra_line_end_before_every_payload() -> None:
    for path, members in member_lists().items():
        responses = [m for m in members if b"\r\nWARC-Type: response\r\n" in m]
        has_extra = {m[:-4].split(b"\r\n\r\n", 2)[2][:2] == b"\r\n" for m in responses}
        assert has_extra == {"CC-MAIN-2018-34" in path}, path


def test_counts_are_those_of_the_files() -> None:
    found: Counter[str] = Counter()
    for path, members in member_lists().items():
        found[path.split("/")[1]] += sum(
            b"\r\nWARC-Type: response\r\n" in m and m[:4] == b"WARC" for m in members
        )
    assert found == {row["snapshot"]: int(row["n_captures"]) for row in read_csv("expected/counts.csv")}


def test_only_reserved_names_are_used() -> None:
    reserved = re.compile(r"https?:/+(?:[a-z0-9-]+\.)*(?:example|test|example\.org)(?:/|$)")
    urls = {url for members in member_lists().values() for m in members if (url := target_uri(m))}
    assert [url for url in urls if not reserved.match(url)] == []


def test_every_answer_is_used_and_known() -> None:
    chains = [
        c
        for h in HOSTS
        for k in SNAPSHOTS
        for c in ([h.get(k, [])] if isinstance(h.get(k), str) else h.get(k, []))
    ]
    steps = {
        step.removeprefix("= ")
        for chain in chains
        for step in chain.split(" > ")
        if step[0] not in "@123456789"
    }
    assert steps == set(ANSWERS)


def test_expected_result_has_every_host_in_every_snapshot() -> None:
    rows = read_csv("expected/answers.csv")
    hosts = [site["host"] for site in read_csv("sites.csv") if site["is_domain"] == "1"]
    assert len(hosts) == len(set(hosts)) == 59
    assert [(r["host"], r["snapshot"]) for r in rows] == [(h, s) for h in sorted(hosts) for s in sorted(IDS)]


def test_the_ten_largest_sources_of_a_corpus_are_its_head_and_the_others_are_drawn() -> None:
    sites = read_csv("sites.csv")
    for corpus in ("c4", "dolma"):
        ranked = sorted(sites, key=lambda site: int(site[f"{corpus}_tokens"]), reverse=True)
        assert [site[f"{corpus}_head"] for site in ranked] == ["1"] * 10 + ["0"] * 50
    for site in sites:
        assert site["stratum"] == ("head" if "1" in (site["c4_head"], site["dolma_head"]) else "random")
    assert [site["host"] for site in sites if site["is_domain"] == "0"] == ["code-archive"]


def test_expected_result_has_every_access_state_and_every_end_of_a_chain() -> None:
    rows = read_csv("expected/answers.csv")
    assert {r["access_state"] for r in rows} == {
        "rules", "empty", "absent", "refused", "server_error", "not_robots",
        "unresolved_redirect", "not_captured",
    }  # fmt: skip
    assert {r["end_reason"] for r in rows} == {
        "", "final", "no_location", "bad_location", "target_not_captured", "loop", "too_many_hops",
    }  # fmt: skip


def test_the_guide_has_a_line_for_every_host() -> None:
    guide = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    missing = [h["name"] for h in HOSTS if f"| {h['name']} | {h['about']} |" not in guide]
    assert missing == []


STATES = (
    "rules",
    "empty",
    "absent",
    "refused",
    "server_error",
    "not_robots",
    "unresolved_redirect",
    "not_captured",
)


def test_the_guide_counts_hosts_as_the_expected_result_does() -> None:
    guide = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    counts = Counter((r["snapshot"], r["access_state"]) for r in read_csv("expected/answers.csv"))
    lines = [f"| {s} | " + " | ".join(str(counts[s, state]) for state in STATES) + " |" for s in IDS]
    assert [line for line in lines if line not in guide] == []


@pytest.mark.parametrize("snapshot", IDS)
def test_the_guide_counts_restricted_hosts_as_the_expected_result_does(snapshot: str) -> None:
    guide = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    rows = [
        r
        for r in read_csv("expected/answers.csv")
        if (r["snapshot"], r["access_state"]) == (snapshot, "rules")
    ]
    cells = []
    for agent in ("GPTBot", "CCBot", "ClaudeBot", "Google-Extended"):
        n_all = sum(r[agent].endswith("/all") for r in rows)
        cells.append(f"{n_all} ({sum(r[agent] == 'specific/all' for r in rows)} by name)")
    assert f"| {snapshot} | {len(rows)} | {' | '.join(cells)} |" in guide
