"""The law of the modes: a release read by its index, by its shards or whole gives the same answer.

What may differ is written down here, column by column; see `RECORD_ONLY` and `HOW_IT_WAS_READ`.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.models import MODELS

OLD, MIDDLE, NEW = "CC-MAIN-2019-35", "CC-MAIN-2024-10", "CC-MAIN-2024-18"
MODES = ("scan", "shard", "index")
STORED = ("sites", "site_weights", "corpora", "agents", "dialects", "access_states")
# Columns of `captures` that only the record tells, and those that say how it was read.
RECORD_ONLY = ("server", "digest_ok", "content_length", "refusal_marker")
IN_THE_INDEX = f"""* EXCLUDE ({", ".join(RECORD_ONLY)}, source) REPLACE (
    CASE WHEN snapshot >= 'CC-MAIN-2019-47' THEN content_truncated END AS content_truncated,
    CASE WHEN snapshot >= 'CC-MAIN-2019-47' THEN fetch_redirect END AS fetch_redirect
)"""
# Models and published tables that say how a release was read, or count what else was in the files.
HOW_IT_WAS_READ = {"coverage", "losses_by_reason", "losses", "snapshots"}
# Models of everything that was stored, strangers included, and of refusals, whose providers records name.
COMPARED_BELOW = {"declarations", "outcome_levels", "refusals_over_time"}
SITES = (
    *(
        "plain.example",
        "changes.example",
        "edited.example",
        "empty.example",
        "page.example",
        "challenge.example",
    ),
    *(f"same{n}.example" for n in range(6)),
    *("https.example", "www.to-www.example", "to-www.example", "away.example", "deep.example"),
    *("five.example", "six.example", "loop.example", "self.example", "nowhere.example", "bad.example"),
    *("unsaid.example", "gone.example", "forbidden.example", "broken.example", "walled.example"),
    *("twice.example", "moved-later.example", "only-www.example", "port.example:8080", "www.bare.example"),
    *("cut.example", "never.example", "192.0.2.7", "rtl.example"),
)


def url(host: str, scheme: str = "http") -> str:
    return f"{scheme}://{host}/robots.txt"


def in_every_release(archives: Any, n: int) -> Iterator[Any]:
    """What is no redirect, so that an index without Location says all of it too."""
    answer, rules = archives.Answer, b"User-agent: GPTBot\nDisallow: /\n"
    yield answer(url("plain.example"), archives.CLOSED)
    yield answer(url("plain.example", "https"), archives.CLOSED)
    yield answer(url("changes.example"), (archives.OPEN, archives.CLOSED, rules)[n])
    yield answer(url("edited.example"), rules + b"# edition %d\n" % n)
    yield answer(url("empty.example"), b"")
    yield answer(url("gone.example"), b"", 404)
    yield answer(url("forbidden.example"), b"no", 403)
    yield answer(url("broken.example"), b"oops", 503)
    yield answer(url("page.example"), archives.PAGE)
    yield answer(url("challenge.example"), archives.CHALLENGE)
    for i in range(6):
        yield answer(url(f"same{i}.example", "https"), rules, segment=i % 2, hour=i)
    yield answer(url("twice.example"), archives.CLOSED, segment=0, hour=1)
    yield answer(url("twice.example"), archives.OPEN, segment=1, hour=9)
    yield answer(url("www.only-www.example"), rules)
    yield answer(url("bare.example"), rules)
    yield answer(url("port.example:8080"), b"User-agent: *\nAllow: /\nDisallow: /%d\n" % n)
    yield answer(url("port.example"), archives.OPEN)
    yield answer(url("cut.example"), b"User-agent: *\nDisallow: /c", truncated="length")
    yield answer(url("192.0.2.7"), b"Content-Signal: ai-train=no\nUser-agent: *\nAllow: /\n")
    # Nobody asks for these; one has the body that another host was refused with.
    yield answer(url("stranger.test"), b"User-agent: stranger\nDisallow: /\n")
    yield answer(url("polite.test"), b"no")
    for i in range(20):
        yield answer(url(f"crowd{i}.test", "https"), b"User-agent: crowd%d\nDisallow: /\n" % (i % 7))


def in_late_releases(archives: Any, n: int) -> Iterator[Any]:
    """Redirects, which the index tells since CC-MAIN-2019-47."""
    answer, moved = archives.Answer, archives.moved
    yield from moved(url("https.example"), url("https.example", "https"))
    yield from moved(
        url("to-www.example"), url("to-www.example", "https"), url("www.to-www.example", "https"), hour=n
    )
    yield from moved(url("away.example"), url("elsewhere.test", "https"), body=archives.CLOSED)
    yield from moved(
        url("deep.example"), "https://cdn.test/Files/robots.txt?site=Deep&v=2", body=b"User-agent: *\n"
    )
    for name, n_hops in (("five", 5), ("six", 6)):
        targets = [url(f"{name}{hop}.test") for hop in range(n_hops)]
        yield from moved(
            url(f"{name}.example"), *targets, body=b"User-agent: *\nDisallow: /%s\n" % name.encode()
        )
    yield answer(url("loop.example"), b"", 302, url("loop.test"))
    yield answer(url("loop.test"), b"", 302, url("loop.example"))
    yield answer(url("self.example"), b"", 301, url("self.example"))
    yield answer(url("nowhere.example"), b"", 307, url("nobody.test"))
    yield answer(url("bad.example"), b"", 301, "ftp://bad.example/robots.txt")
    yield answer(url("unsaid.example"), b"", 301)
    yield answer(url("moved-later.example"), archives.OPEN, segment=0, hour=1)
    yield answer(url("moved-later.example"), b"", 308, url("elsewhere.test", "https"), segment=1, hour=5)
    yield answer(url("walled.example"), b"denied", 403, headers=(("cf-mitigated", "challenge"),))
    yield answer(url("rtl.example"), b"", 301, "/r/../robots.txt")


def releases(archives: Any) -> dict[str, list[Any]]:
    late = {n: [*in_every_release(archives, n), *in_late_releases(archives, n)] for n in (1, 2)}
    return {OLD: list(in_every_release(archives, 0)), MIDDLE: late[1], NEW: late[2]}


@pytest.fixture(scope="module")
def world(archives: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of three releases."""
    folder = tmp_path_factory.mktemp("world")
    archives.write_archive(folder / "archive", releases(archives))
    return folder


@pytest.fixture(scope="module")
def finished(world: Path, studies: Any) -> dict[str, Any]:
    """One study in every mode, run up to its dataset; not to be changed."""
    done = {mode: studies.TargetedStudy(world / mode, SITES, mode) for mode in MODES}
    for study in done.values():
        study.run(*studies.DATASET)
    return done


def attach(finished: dict[str, Any], mode: str) -> Any:
    """A connection to the warehouse of a scan, with that of another mode beside it as `other`."""
    import duckdb

    con = duckdb.connect(str(finished["scan"].out / "census.duckdb"), read_only=True)
    con.execute(f"ATTACH '{finished[mode].out / 'census.duckdb'}' AS other (READ_ONLY)")
    return con


def differences(con: Any, ours: str, theirs: str) -> list[tuple[Any, ...]]:
    """Rows that are in one of two queries and not in the other."""
    return [
        (sign, *row)
        for sign, a, b in (("-", ours, theirs), ("+", theirs, ours))
        for row in con.execute(f"({a}) EXCEPT ALL ({b})").fetchall()
    ]


def test_each_release_is_read_in_the_mode_asked(finished: dict[str, Any]) -> None:
    for mode, study in finished.items():
        assert study.ask("SELECT DISTINCT mode FROM snapshots") == [(mode,)]
    assert finished["index"].ask("SELECT DISTINCT source FROM captures") == [("index",)]
    assert finished["shard"].ask("SELECT DISTINCT source FROM captures") == [("warc",)]


@pytest.mark.parametrize("mode", ["shard", "index"])
def test_what_is_given_is_equal(finished: dict[str, Any], mode: str) -> None:
    with attach(finished, mode) as con:
        found = {table: differences(con, f"FROM {table}", f"FROM other.{table}") for table in STORED}
    # Strangers in the files add kinds of answers that no host of the study gives.
    found["access_states"] = [row for row in found["access_states"] if row[0] == "+"]
    assert found == {table: [] for table in STORED}


@pytest.mark.parametrize("mode", ["shard", "index"])
def test_every_model_is_equal(finished: dict[str, Any], mode: str) -> None:
    compared = [model.name for model in MODELS if model.name not in HOW_IT_WAS_READ | COMPARED_BELOW]
    found, filled = {}, set()
    with attach(finished, mode) as con:
        for model in compared:
            columns = [row[0] for row in con.execute(f"DESCRIBE {model}").fetchall()]
            query = f"SELECT {', '.join(map(without_markers_of_refusals, columns))} FROM {{}}{model}"
            found[model] = differences(con, query.format(""), query.format("other."))
            filled |= {model} if con.execute(f"FROM {model} LIMIT 1").fetchone() else set()
    assert found == {model: [] for model in compared}
    assert filled >= {"answers", "host_snapshots", "host_outcomes", "panel", "panel_by_dialect"}
    assert filled >= {"declared_levels", "endpoint_comparison", "transitions", "parser_bounds"}


def without_markers_of_refusals(column: str) -> str:
    """A refusal's marker stands in its record; the index tells the status alone."""
    if column != "refusal_marker":
        return column
    return "CASE WHEN end_status BETWEEN 200 AND 299 THEN refusal_marker END AS refusal_marker"


def test_refusals_are_counted_alike_and_only_their_provider_is_not_known(finished: dict[str, Any]) -> None:
    counts = "SELECT snapshot, stratum, access_state, sum(n_hosts) FROM {}refusals_over_time GROUP BY ALL"
    providers = "SELECT snapshot, stratum, access_state, provider, n_hosts FROM {}refusals_over_time"
    with attach(finished, "index") as con:
        assert differences(con, counts.format(""), counts.format("other.")) == []
        found = differences(con, providers.format(""), providers.format("other."))
    assert {row[3:5] for row in found} == {("refused", "(none)"), ("refused", "cloudflare")}
    assert {row[1] for row in found} == {MIDDLE, NEW}, "where walled.example was refused"
    with attach(finished, "shard") as con:
        assert differences(con, providers.format(""), providers.format("other.")) == []


@pytest.mark.parametrize("mode", ["shard", "index"])
def test_every_capture_is_one_of_the_scans_with_the_same_facts(finished: dict[str, Any], mode: str) -> None:
    with attach(finished, mode) as con:
        query = f"SELECT {'*' if mode == 'shard' else IN_THE_INDEX} FROM {{}}captures"
        found = differences(con, query.format(""), query.format("other."))
        assert [row for row in found if row[0] == "+"] == []
        n_scanned, n_found = (
            con.execute(f"SELECT count(*) FROM {t}captures").fetchone()[0] for t in ("", "other.")
        )
    assert len(found) == n_scanned - n_found
    assert n_found < n_scanned or mode == "shard", "a scan also holds what the study does not ask for"


def test_what_only_the_record_tells_is_known_of_a_body_that_is_held(finished: dict[str, Any]) -> None:
    good = (
        "SELECT snapshot, url, fetch_time, digest_ok, content_length, refusal_marker"
        " FROM (FROM {}captures WHERE fetch_status BETWEEN 200 AND 299)"
        " SEMI JOIN (FROM other.captures) AS found USING (snapshot, url, fetch_time)"
    )
    with attach(finished, "index") as con:
        assert differences(con, good.format(""), good.format("other.")) == []
        rest = con.execute(
            "SELECT DISTINCT digest_ok, content_length, refusal_marker FROM other.captures"
            " WHERE fetch_status NOT BETWEEN 200 AND 299"
        ).fetchall()
    assert rest == [(None, None, None)]
    assert finished["index"].ask("SELECT DISTINCT server FROM captures") == [(None,)]


@pytest.mark.parametrize("mode", ["shard", "index"])
@pytest.mark.parametrize(
    "table", ["bodies", "readings", "signals", "rulesets", "declarations", "outcome_levels"]
)
def test_bodies_and_what_they_declare_are_those_of_the_scan(
    finished: dict[str, Any], mode: str, table: str
) -> None:
    """Those of the captures found: a scan also holds the bodies of strangers."""
    wanted = {
        "bodies": "SELECT * FROM {}bodies SEMI JOIN found USING (content_digest)",
        "readings": "SELECT * FROM {}readings SEMI JOIN found USING (content_digest)",
        "signals": "SELECT * FROM {}signals SEMI JOIN found USING (content_digest)",
        "declarations": "SELECT * FROM {}declarations SEMI JOIN found USING (content_digest)",
        "outcome_levels": "SELECT * FROM {}outcome_levels"
        " WHERE outcome IN (SELECT outcome FROM other.outcome_levels)",
        "rulesets": "SELECT * FROM {0}rulesets SEMI JOIN"
        " (SELECT ruleset FROM {0}readings SEMI JOIN found USING (content_digest)) USING (ruleset)",
    }[table]
    with attach(finished, mode) as con:
        con.execute(
            "CREATE TEMP VIEW found AS SELECT content_digest FROM other.captures"
            " WHERE fetch_status BETWEEN 200 AND 299 AND digest_ok IS NOT FALSE"
        )
        assert con.execute(f"SELECT count(*) FROM ({wanted.format('')})").fetchone() != (0,)
        assert differences(con, wanted.format(""), wanted.format("other.")) == []
        assert differences(con, f"FROM other.{table}", wanted.format("other.")) == []


def test_the_published_tables_are_equal_but_for_how_it_was_read(finished: dict[str, Any]) -> None:
    datasets = {mode: study.dataset() for mode, study in finished.items()}
    of_the_archive = {"readings.csv", "rulesets.csv", "signals.csv"}
    differing = {
        name: {mode for mode in MODES if datasets[mode][name] != datasets["scan"][name]}
        for name in datasets["scan"]
    }
    expected = {f"{name}.csv" for name in HOW_IT_WAS_READ} & set(differing)
    assert {name for name, modes in differing.items() if "shard" in modes} <= expected | of_the_archive
    assert {name for name, modes in differing.items() if "index" in modes} <= {
        *(expected | of_the_archive),
        "refusals_over_time.csv",
        "answers.csv",
    }
    found = [read_csv(datasets[mode]["answers.csv"]) for mode in ("scan", "index")]
    for scanned, looked_up in zip(*found, strict=True):
        differing_columns = {column for column in scanned if scanned[column] != looked_up[column]}
        assert differing_columns <= {"refusal_marker"}
        assert not differing_columns or scanned["end_status"] == "403"


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"))))


def test_the_world_holds_every_kind_of_answer(finished: dict[str, Any]) -> None:
    """So that equality proves something."""
    query = "SELECT end_reason, count(*) FROM answers WHERE snapshot = ? GROUP BY 1 ORDER BY 1"
    for study in finished.values():
        found = dict(study.ask(query.replace("?", f"'{NEW}'")))
        assert set(found) == {
            *("final", "no_location", "bad_location", "loop", "too_many_hops", "target_not_captured")
        }
        states = {state for (state,) in study.ask("SELECT DISTINCT access_state FROM host_snapshots")}
        assert states == {
            *("rules", "empty", "absent", "refused", "server_error", "not_robots"),
            *("unresolved_redirect", "not_captured"),
        }
        hops = dict(study.ask(f"SELECT host, n_hops FROM answers WHERE snapshot = '{NEW}'"))
        assert (hops["five.example"], hops["six.example"], hops["to-www.example"]) == (5, 5, 1)


# ---- what an index cannot tell


def test_before_the_index_told_of_locations_a_redirect_ends_without_one(
    archives: Any, studies: Any, tmp_path: Path
) -> None:
    inside = archives.moved(url("inside.example"), url("inside.example", "https"))
    outside = archives.moved(url("outside.example"), url("else.test"))
    archives.write_archive(tmp_path / "archive", {OLD: [*inside, *outside]})
    found = {}
    for mode in ("scan", "index"):
        study = studies.TargetedStudy(tmp_path / mode, ("inside.example", "outside.example"), mode)
        study.run()
        found[mode] = study.ask("SELECT host, n_hops, end_reason, access_state FROM answers ORDER BY host")
    # The https form was captured under its own URL, so it speaks for its host either way.
    captured = ("inside.example", 0, "final", "rules")
    assert found["scan"] == [captured, ("outside.example", 1, "final", "rules")]
    assert found["index"] == [captured, ("outside.example", 0, "no_location", "unresolved_redirect")]


def test_a_refusal_that_only_the_record_shows_is_what_its_status_says(
    archives: Any, studies: Any, tmp_path: Path
) -> None:
    headers = (("cf-mitigated", "challenge"),)
    answers = [
        archives.Answer(url("busy.example"), b"wait", 503, headers=headers),
        archives.Answer(url("soft.example"), archives.PAGE, 200, headers=headers),
        archives.Answer(url("shown.example"), archives.CHALLENGE, 200),
    ]
    archives.write_archive(tmp_path / "archive", {NEW: answers})
    found = {}
    for mode in ("scan", "index"):
        study = studies.TargetedStudy(
            tmp_path / mode, ("busy.example", "soft.example", "shown.example"), mode
        )
        study.run()
        found[mode] = study.ask("SELECT host, access_state, refusal_marker FROM answers ORDER BY host")
    marker = "cloudflare/challenge"
    assert found["scan"] == [
        (host, "refused", marker) for host in ("busy.example", "shown.example", "soft.example")
    ]
    assert found["index"] == [
        ("busy.example", "server_error", None),
        ("shown.example", "refused", marker),
        ("soft.example", "not_robots", None),
    ]
