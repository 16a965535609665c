"""How a host was answered: the SQL says what the rule in Python says, case by case and on random captures."""

import random
from collections.abc import Callable, Mapping, Sequence

import duckdb
import pytest

from analysis import models
from snapshots.redirects import Archived, EndReason, pick_all, resolve

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
Answer = tuple[str, int, str, str, str, int]
NEW, OLD = "CC-MAIN-2023-06", "CC-MAIN-2017-17"
HOSTS = ["a.org", "b.org", "c.org", "d.org"]
SECURE, PLAIN = "https://a.org/robots.txt", "http://a.org/robots.txt"


def capture(
    url: str, status: int = 200, to: str | None = None, *, offset: int = 0, **changes: object
) -> Archived:
    row = Archived(url, "2023-02-01 00:00:00", status, to, None, "f.warc.gz", offset)
    return row._replace(**changes)


def fill(con: duckdb.DuckDBPyConnection, captures: Mapping[str, Sequence[Archived]]) -> None:
    """Put captures, by snapshot, into the warehouse; every body is a robots.txt named after its offset."""
    rows = [(snapshot, *row, f"D{row[-1]}") for snapshot, group in captures.items() for row in group]
    con.executemany(
        "INSERT INTO captures (snapshot, url, fetch_time, fetch_status, fetch_redirect, digest_ok,"
        " warc_filename, warc_record_offset, content_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    digests = sorted({(row[-1], "rules") for row in rows})
    con.executemany("INSERT INTO bodies (content_digest, body_kind) VALUES (?, ?)", digests)


def answers(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Answer]:
    models.build(con, until="answers")
    rows = con.execute(
        "SELECT snapshot, host, start_url, n_hops, end_reason, end_url, warc_filename, warc_record_offset"
        " FROM answers"
    ).fetchall()
    return {(row[0], row[1]): tuple(row[2:]) for row in rows}


def expected(captures: Sequence[Archived], snapshot: str) -> dict[tuple[str, str], Answer]:
    picked = pick_all(captures, snapshot)
    found = {host: resolve(host, picked) for host in HOSTS}
    return {
        (snapshot, host): (
            answer.start_url,
            answer.n_hops,
            str(answer.end_reason),
            answer.end.url,
            answer.end.warc_filename,
            answer.end.warc_record_offset,
        )
        for host, answer in found.items()
        if answer is not None
    }


@pytest.fixture
def hosts(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    """Two snapshots and four hosts of which nothing was captured."""
    return warehouse(snapshots=[OLD, NEW], histories=dict.fromkeys(HOSTS, "- -"))


def answer_of_a(con: duckdb.DuckDBPyConnection, *captures: Archived, snapshot: str = NEW) -> Answer | None:
    """The answer of a.org, which must also be what the rule in Python says."""
    fill(con, {snapshot: captures})
    found = answers(con)
    assert found == expected(captures, snapshot)
    return found.get((snapshot, "a.org"))


def test_nothing_captured_gives_no_row(hosts: duckdb.DuckDBPyConnection) -> None:
    assert answer_of_a(hosts, capture("https://elsewhere.org/robots.txt")) is None


def test_a_capture_with_a_wrong_digest_does_not_count(hosts: duckdb.DuckDBPyConnection) -> None:
    assert answer_of_a(hosts, capture(SECURE, digest_ok=False)) is None


def test_https_speaks_before_http(hosts: duckdb.DuckDBPyConnection) -> None:
    answer = answer_of_a(hosts, capture(PLAIN, offset=1), capture(SECURE, 404, offset=2))
    assert answer == (SECURE, 0, "final", SECURE, "f.warc.gz", 2)


def test_http_speaks_when_https_ends_nowhere(hosts: duckdb.DuckDBPyConnection) -> None:
    answer = answer_of_a(hosts, capture(SECURE, 301, "https://gone.org/robots.txt"), capture(PLAIN, offset=1))
    assert answer == (PLAIN, 0, "final", PLAIN, "f.warc.gz", 1)


def test_https_speaks_when_both_end_nowhere(hosts: duckdb.DuckDBPyConnection) -> None:
    answer = answer_of_a(
        hosts, capture(PLAIN, 301, "https://x.org/"), capture(SECURE, 302, "https://y.org/", offset=1)
    )
    assert answer == (SECURE, 0, "target_not_captured", SECURE, "f.warc.gz", 1)


def test_redirects_lead_across_hosts_and_schemes(hosts: duckdb.DuckDBPyConnection) -> None:
    answer = answer_of_a(
        hosts,
        capture(PLAIN, 301, "https://www.a.org/robots.txt"),
        capture("https://www.a.org/robots.txt", 307, "http://cdn.net/r", offset=1),
        capture("http://cdn.net/r", offset=2),
    )
    assert answer == (PLAIN, 2, "final", "http://cdn.net/r", "f.warc.gz", 2)


def chain(n_redirects: int) -> list[Archived]:
    urls = [SECURE, *(f"https://a.org/{i}" for i in range(1, n_redirects + 1))]
    moves = [capture(urls[i], 301, urls[i + 1], offset=i) for i in range(n_redirects)]
    return [*moves, capture(urls[-1], offset=99)]


@pytest.mark.parametrize(
    ("n_redirects", "n_hops", "reason"), [(4, 4, "final"), (5, 5, "final"), (6, 5, "too_many_hops")]
)
def test_rfc9309_2_3_1_2_five_redirects_are_followed(
    hosts: duckdb.DuckDBPyConnection, n_redirects: int, n_hops: int, reason: str
) -> None:
    answer = answer_of_a(hosts, *chain(n_redirects))
    assert answer is not None
    assert answer[1:3] == (n_hops, reason)


@pytest.mark.parametrize(
    ("status", "to", "reason"),
    [
        (301, None, "no_location"),
        (304, "https://b.org/robots.txt", "no_location"),
        (300, "https://b.org/robots.txt", "no_location"),
        (302, "ftp://b.org/robots.txt", "bad_location"),
        (302, "https:///robots.txt", "bad_location"),
        (308, SECURE, "loop"),
        (303, "https://nowhere.org/robots.txt", "target_not_captured"),
        (303, "https://b.org/robots.txt", "final"),
    ],
)
def test_each_end_of_a_chain_has_its_reason(
    hosts: duckdb.DuckDBPyConnection, status: int, to: str | None, reason: str
) -> None:
    answer = answer_of_a(hosts, capture(SECURE, status, to), capture("https://b.org/robots.txt", offset=7))
    assert answer is not None
    assert answer[2] == reason


@pytest.mark.parametrize(("snapshot", "offset"), [(OLD, 1), (NEW, 2)])
def test_before_2017_26_the_answer_stands_under_the_url_first_asked(
    hosts: duckdb.DuckDBPyConnection, snapshot: str, offset: int
) -> None:
    answer = answer_of_a(
        hosts,
        capture(SECURE, offset=1, fetch_time="2017-04-01 00:00:00"),
        capture(SECURE, 301, "https://b.org/", offset=2, fetch_time="2017-04-02 00:00:00"),
        snapshot=snapshot,
    )
    assert answer is not None
    assert answer[-1] == offset


def test_the_latest_capture_of_a_url_stands_for_it_then_the_smallest_place(
    hosts: duckdb.DuckDBPyConnection,
) -> None:
    late = "2023-02-09 00:00:00"
    answer = answer_of_a(
        hosts,
        capture(SECURE, offset=1),
        capture(SECURE, 404, fetch_time=late, warc_filename="g", offset=2),
        capture(SECURE, 503, fetch_time=late, warc_filename="f", offset=4),
        capture(SECURE, 403, fetch_time=late, warc_filename="f", offset=3),
        capture(SECURE, 301, "https://b.org/", fetch_time=late, warc_filename="a", offset=5),
    )
    assert answer == (SECURE, 0, "final", SECURE, "f", 3)
    assert hosts.execute("SELECT n_captures, end_status FROM answers").fetchall() == [(5, 403)]


def test_sound_captures_of_both_forms_are_counted(hosts: duckdb.DuckDBPyConnection) -> None:
    answer_of_a(hosts, capture(SECURE), capture(PLAIN, offset=1), capture(PLAIN, offset=2, digest_ok=False))
    assert hosts.execute("SELECT n_captures FROM answers").fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("status", "to", "state", "digest"),
    [
        (200, None, "rules", "D0"),
        (404, None, "absent", None),
        (503, None, "server_error", None),
        (301, "https://gone.org/", "unresolved_redirect", None),
    ],
)
def test_only_a_2xx_has_a_body_and_a_chain_without_end_is_unresolved(
    hosts: duckdb.DuckDBPyConnection, status: int, to: str | None, state: str, digest: str | None
) -> None:
    answer_of_a(hosts, capture(SECURE, status, to))
    assert hosts.execute("SELECT access_state, content_digest FROM answers").fetchall() == [(state, digest)]


def test_a_challenge_is_told_from_an_ordinary_answer(hosts: duckdb.DuckDBPyConnection) -> None:
    fill(hosts, {NEW: [capture(SECURE), capture("https://b.org/robots.txt", offset=1)]})
    hosts.execute("UPDATE captures SET refusal_marker = 'cloudflare/challenge' WHERE warc_record_offset = 1")
    hosts.execute("INSERT INTO access_states VALUES (200, 'rules', true, 'refused')")
    answers(hosts)
    found = hosts.execute("SELECT host, access_state FROM answers ORDER BY host").fetchall()
    assert found == [("a.org", "rules"), ("b.org", "refused")]


def random_captures(rng: random.Random) -> list[Archived]:
    urls = [f"{scheme}://{host}/robots.txt" for host in HOSTS for scheme in ("http", "https")]
    rng.shuffle(urls)
    following = dict(zip(urls, urls[1:] + urls[:1], strict=True))
    # Half of the graphs are nearly all redirects, so that long chains and loops are common.
    statuses = rng.choice([[200, 301, 404], [301, 302, 303, 307, 308, 301, 302, 308, 304, 200]])

    def target(url: str) -> str | None:
        anywhere = [*urls, None, "ftp://a.org/", "https://nowhere.org/robots.txt"]
        return rng.choice([*anywhere, *[following[url]] * 20])

    return [
        capture(
            (url := rng.choice(urls)),
            (status := rng.choice(statuses)),
            target(url) if 300 <= status < 400 else None,
            offset=offset,
            fetch_time=f"2023-02-0{rng.randint(1, 3)} 00:00:00",
            digest_ok=rng.choice([True, True, True, None, False]),
            warc_filename=rng.choice("fg"),
        )
        for offset in range(rng.choice([4, 12, 30]))
    ]


def test_the_sql_and_the_python_rule_agree_on_random_captures(warehouse: Warehouse) -> None:
    rng = random.Random(20230206)
    ids = [f"CC-MAIN-{year}-{week:02d}" for year in (2016, 2017, 2023) for week in range(1, 53)]
    con = warehouse(snapshots=ids, histories={host: " ".join("-" * len(ids)) for host in HOSTS})
    captures = {snapshot: random_captures(rng) for snapshot in ids}
    fill(con, captures)
    wanted: dict[tuple[str, str], Answer] = {}
    for name, group in captures.items():
        wanted |= expected(group, name)
    assert answers(con) == wanted
    ends = {answer[1:3] for answer in wanted.values()}
    assert {reason for _, reason in ends} == set(EndReason)
    assert {hops for hops, _ in ends} == {0, 1, 2, 3, 4, 5}
