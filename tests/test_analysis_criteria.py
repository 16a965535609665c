"""The table of criteria, the exact tests and the bootstrap, each by itself."""

import doctest
import random
import statistics
from collections.abc import Callable
from itertools import product
from math import comb
from types import ModuleType

import duckdb
import pytest

from analysis import exact, models, resampling
from analysis.criteria import BLOCKS, Verdict, parse_criteria, read_criteria
from analysis.exact import fisher_p, sign_p
from analysis.resampling import bootstrap_share, draw_binomial

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
TABLE = read_criteria()


def test_ids_are_unique_and_every_criterion_says_why_and_whence() -> None:
    assert len({one.id for one in TABLE.criteria}) == len(TABLE.criteria)
    assert all(one.reason and one.source for one in TABLE.criteria)
    assert TABLE.version


def test_every_verdict_has_a_criterion() -> None:
    assert {one.verdict for one in TABLE.criteria} == set(Verdict)


def test_the_last_criterion_always_holds_and_proves_nothing() -> None:
    assert TABLE.criteria[-1].conditions == ()
    assert TABLE.criteria[-1].verdict is Verdict.INSUFFICIENT
    assert all(one.conditions for one in TABLE.criteria[:-1])


def test_every_condition_bounds_a_measure_that_is_known(warehouse: Warehouse) -> None:
    con = warehouse()
    models.build(con)
    known = {
        row[0] for row in con.execute("DESCRIBE SELECT unnest(measures) FROM verdict_measures").fetchall()
    }
    for one in TABLE.criteria:
        assert {condition.measure for condition in one.conditions} <= known, one.id
        assert len({condition.measure for condition in one.conditions}) == len(one.conditions)
        assert all(c.min is not None or c.max is not None for c in one.conditions)


@pytest.mark.parametrize(
    "one", [one for one in TABLE.criteria if one.verdict in BLOCKS], ids=lambda one: one.id
)
def test_a_block_needs_many_blocks_a_control_and_significance_or_a_marker(one: object) -> None:
    conditions = {c.measure: c for c in getattr(one, "conditions", ())}
    if "share_marked" in conditions:
        assert (conditions["n_blocks"].min, conditions["share_marked"].min) == (3, 1)
    else:
        assert conditions["n_blocks"].min == 6
        assert conditions["p_value"].max == 0.008
        assert conditions["q_value"].max == 0.05
        assert conditions["share_control_denied"].max < 0.17
    assert "is_control_honest" in conditions


def test_the_table_stands_in_the_warehouse_with_its_version(warehouse: Warehouse) -> None:
    con = warehouse()
    models.build(con)
    rows = con.execute(
        "SELECT criterion_id, verdict, criteria_version FROM criteria ORDER BY position"
    ).fetchall()
    assert rows == [(one.id, one.verdict, TABLE.version) for one in TABLE.criteria]
    assert con.execute("SELECT count(*) FROM criterion_conditions").fetchall() == [
        (sum(len(one.conditions) for one in TABLE.criteria),)
    ]


def test_no_threshold_stands_in_a_model() -> None:
    numbers = {str(c.min) for one in TABLE.criteria for c in one.conditions if c.min is not None}
    numbers |= {str(c.max) for one in TABLE.criteria for c in one.conditions if c.max is not None}
    text = "".join(
        models.read_sql(name) for name in ("verdict_counts", "arm_verdicts", "verdicts", "block_outcomes")
    )
    assert [number for number in numbers if len(number) > 1 and number in text] == []


@pytest.mark.parametrize(
    ("change", "error"), [({"verdict": "bad"}, ValueError), ({"conditions": [{}]}, TypeError)]
)
def test_a_table_that_is_wrong_is_refused(change: dict[str, object], error: type[Exception]) -> None:
    row = {"id": "a", "verdict": "open", "reason": "r", "conditions": [], "source": "s", "comment": ""}
    values = {"version": "1", "comparison": {}, "criterion": [row | change]}
    limits = dict.fromkeys(TABLE.comparison.__dataclass_fields__, 1)
    with pytest.raises(error):
        parse_criteria(values | {"comparison": limits})


def test_confirmed_counts_have_the_protocols_p() -> None:
    assert fisher_p(5, 0, 6) <= 0.008
    assert fisher_p(6, 1, 6) <= 0.008
    assert fisher_p(5, 1, 6) > 0.008
    assert fisher_p(4, 0, 6) > 0.008
    assert fisher_p(6, 2, 6) > 0.008


def test_fisher_is_the_share_of_all_ways_to_deal_the_denials() -> None:
    for n_blocks, denied, control in product(range(1, 5), range(5), range(5)):
        if max(denied, control) <= n_blocks:
            deals = [d for d in product((0, 1), repeat=2 * n_blocks) if sum(d) == denied + control]
            as_many = [d for d in deals if sum(d[:n_blocks]) >= denied]
            assert fisher_p(denied, control, n_blocks) == pytest.approx(len(as_many) / len(deals))


def test_sign_p_is_the_binomial_tail() -> None:
    assert sign_p(0, 0) == 1.0
    assert sign_p(6, 0) == 1 / 64
    assert sign_p(3, 2) == pytest.approx(sum(comb(5, k) for k in (3, 4, 5)) / 32)


def test_the_bootstrap_is_seeded_and_holds_the_share() -> None:
    counts = {(0, 1): 90, (1, 1): 10}
    low, high = bootstrap_share(counts, "a")
    assert bootstrap_share(counts, "a") == (low, high)
    assert bootstrap_share(counts, "b") != (low, high)
    # 10 of 100: the normal interval is 0.041 to 0.159.
    assert low == pytest.approx(0.041, abs=0.02)
    assert high == pytest.approx(0.159, abs=0.02)


def test_hosts_of_one_domain_do_not_make_a_share_surer() -> None:
    alone = bootstrap_share({(0, 1): 90, (1, 1): 10}, "a")
    together = bootstrap_share({(0, 10): 9, (10, 10): 1}, "a")
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_equal_domains_leave_nothing_to_chance() -> None:
    assert bootstrap_share({(1, 2): 5}, "a") == (0.5, 0.5)


@pytest.mark.parametrize(
    ("n", "p"), [(50, 0.1), (1_000_000, 0.000003), (40, 0.9), (100_000, 0.3), (7, 0.0), (7, 1.0)]
)
def test_binomials_have_their_mean_and_spread(n: int, p: float) -> None:
    rng = random.Random(3)
    drawn = [draw_binomial(rng, n, p) for _ in range(3000)]
    spread = (n * p * (1 - p)) ** 0.5
    assert statistics.fmean(drawn) == pytest.approx(n * p, abs=0.1 * spread)
    assert statistics.pstdev(drawn) == pytest.approx(spread, rel=0.1, abs=1e-9)
    assert 0 <= min(drawn) <= max(drawn) <= n


@pytest.mark.parametrize("module", [exact, resampling])
def test_examples_of_the_documentation_run(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert (result.attempted > 0, result.failed) == (True, 0)
