"""Leaving one domain out: the estimates again, in fractions, for the corpus without it."""

import runpy
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analysis import models

HERE = Path(__file__).parent
TRUTH = runpy.run_path(str(HERE / "estimate_truth.py"))
NOTATION = runpy.run_path(str(HERE / "warehouse_notation.py"))
SNAPSHOTS = TRUTH["SNAPSHOTS"]
LAST = len(SNAPSHOTS) - 1
Drawn = tuple[dict[str, Any], duckdb.DuckDBPyConnection]
Key = tuple[str, str, str, str, str, str]


@pytest.fixture(scope="module", params=[11, 12, 13])
def drawn(request: pytest.FixtureRequest) -> Iterator[Drawn]:
    study = TRUTH["draw_study"](request.param)
    with duckdb.connect() as con:
        NOTATION["fill"](con, NOTATION["Study"](**study))
        con.execute("UPDATE sites SET registered_domain = host[instr(host, '.') + 1:]")
        models.build(con, until="level_influences")
        yield study, con


def points(
    study: dict[str, Any], of: str, agent: str, estimator: str, basis: str
) -> dict[str, Fraction | None]:
    last = TRUTH["estimate"](study, agent, LAST, estimator, basis, "all")
    if of == "level":
        return {part: None if share is None else 100 * share for part, share in last.items()}
    first = TRUTH["estimate"](study, agent, 0, estimator, basis, "all")
    return {
        part: None if None in (last[part], first[part]) else 100 * (last[part] - first[part]) for part in last
    }


def expected(study: dict[str, Any]) -> Iterator[tuple[Key, str, Fraction, Fraction | None]]:
    """Every estimate with what it would be without each domain."""
    domains = sorted({TRUTH["domain_of"](host) for host in study["histories"]})
    for of in ("level", "change"):
        for agent in TRUTH["GROUPS"]:
            for estimator in ("study", "design"):
                for basis in ("observed", "carried"):
                    given = points(study, of, agent, estimator, basis)
                    for domain in domains:
                        left = points(TRUTH["without_domain"](study, domain), of, agent, estimator, basis)
                        for part in ("whole", "head"):
                            if given[part] is not None:
                                yield (of, agent, estimator, part, basis), domain, given[part], left[part]


def test_every_domain_that_moves_a_headline_by_more_than_a_point_is_named(drawn: Drawn) -> None:
    study, con = drawn
    rows = con.execute(
        "SELECT of, agent, estimator, part, basis, domain, estimate_points, estimate_points_without"
        " FROM level_influences WHERE corpus = 'c4' AND moves_headline"
    ).fetchall()
    found = {tuple(key): values for *key, of, without in rows for values in [(of, without)]}
    wanted = {
        (*key, domain): (float(given), None if left is None else float(left))
        for key, domain, given, left in expected(study)
        if left is None or abs(given - left) > 1
    }
    assert len(wanted) > 30
    assert found.keys() == wanted.keys()
    for key, (given, left) in wanted.items():
        assert found[key] == (pytest.approx(given, abs=1e-8), left and pytest.approx(left, abs=1e-8)), key


def test_for_labels_the_five_that_move_it_most_are_named(drawn: Drawn) -> None:
    study, con = drawn
    sizes: dict[Key, list[float]] = {}
    for key, _, given, left in expected(study):
        size = 1e9 if left is None else round(float(abs(given - left)), 8)
        if key[1].startswith("(") and size:
            sizes.setdefault(key, []).append(size)
    rows = con.execute(
        "SELECT of, agent, estimator, part, basis, list(coalesce(abs(influence_points), 1e9) ORDER BY place)"
        " FROM level_influences WHERE corpus = 'c4' AND agent LIKE '(%' GROUP BY ALL"
    ).fetchall()
    found = {tuple(key): values[:5] for *key, values in rows}
    assert found.keys() == sizes.keys()
    for key, values in sizes.items():
        assert found[key] == pytest.approx(sorted(values, reverse=True)[:5], abs=1e-7), key


def test_no_domain_moves_an_estimate_by_more_than_its_pull(drawn: Drawn) -> None:
    _, con = drawn
    too_far = con.execute("""
        SELECT i.* FROM level_influences AS i JOIN domain_weights AS w USING (snapshot, basis, corpus, domain)
        WHERE of = 'level' AND abs(influence_points) > 100 * pull + 1e-9
    """).fetchall()
    assert too_far == []
    assert con.execute("SELECT count(*) FROM level_influences WHERE of = 'level'").fetchone() != (0,)


def test_one_snapshot_has_no_change_to_hang_on_anything() -> None:
    study = TRUTH["draw_study"](11)
    study = {
        **study,
        "snapshots": SNAPSHOTS[:1],
        "histories": {host: words.split()[0] for host, words in study["histories"].items()},
    }
    with duckdb.connect() as con:
        NOTATION["fill"](con, NOTATION["Study"](**study))
        models.build(con, until="level_influences")
        assert con.execute("SELECT DISTINCT of FROM level_influences").fetchall() == [("level",)]
        assert con.execute("SELECT count(*) FROM change_estimates").fetchone() == (0,)
