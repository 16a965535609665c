"""How long hosts stay open: the spells by hand, the curve against the product limit in plain fractions."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import duckdb
import numpy as np
import pytest

from analysis import models
from analysis.survival import Spells, count_days, design_effects, estimate_curve

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
Rows = list[tuple[object, ...]]
# Mondays: 2023-01-02, 2023-03-13 (+70), 2023-05-22 (+140), 2023-09-25 (+266), 2023-12-04 (+336).
S = ["CC-MAIN-2023-01", "CC-MAIN-2023-11", "CC-MAIN-2023-21", "CC-MAIN-2023-39", "CC-MAIN-2023-49"]
D = ["2023-01-02", "2023-03-13", "2023-05-22", "2023-09-25", "2023-12-04"]
RULESETS = {
    "open": {"*": "none"},
    "some": {"*": "some"},
    "shut": {"*": "all"},
    "gpt_shut": {"*": "none", "GPTBot": "all"},
    "gpt_open": {"*": "all", "GPTBot": "none"},
}


def build(warehouse: Warehouse, histories: dict[str, str], **study: object) -> duckdb.DuckDBPyConnection:
    study = {"agents": {"GPTBot": "training", "CCBot": "archive"}, **study}
    listed = study.pop("listed", {})
    con = warehouse(snapshots=S, histories=histories, rulesets=RULESETS, **study)
    assert isinstance(listed, dict)
    for agent, day in listed.items():
        con.execute("UPDATE agents SET first_listed = ? WHERE agent = ?", [day, agent])
    models.build(con, until="openness_survival")
    return con


def rows(con: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return con.execute(query).fetchall()


def spell_of(con: duckdb.DuckDBPyConnection, host: str, agent: str = "GPTBot") -> Rows:
    columns = "entered_on::VARCHAR, last_open_on::VARCHAR, closed_on::VARCHAR"
    return rows(con, f"SELECT {columns} FROM open_spells WHERE host = '{host}' AND agent = '{agent}'")


SPELLS = {
    # history over the five snapshots: entered, last open, closed (places in S), or no spell
    "open open gpt_shut gpt_shut gpt_shut": (0, 1, 2),
    "open some 404 empty open": (0, 4, None),
    "- open - - gpt_shut": (1, 1, 4),
    "shut open open shut open": (1, 2, 3),
    "open 403 gpt_shut - -": (0, 0, 2),  # unreadable: neither open nor closed
    "open 503 html 301 403": (0, 0, None),  # censored when last seen open
    "gpt_shut gpt_shut gpt_shut shut shut": None,
    "403 - - - -": None,
    "gpt_open gpt_open shut - -": (0, 1, 2),
    "gpt_open open shut - -": (0, 1, 2),
}


def test_a_spell_runs_from_the_first_day_seen_open_to_the_first_seen_closed(warehouse: Warehouse) -> None:
    hosts = {f"h{n}.org": history for n, history in enumerate(SPELLS)}
    con = build(warehouse, hosts)
    for host, history in hosts.items():
        wanted = SPELLS[history]
        places = wanted and tuple(None if place is None else D[place] for place in wanted)
        assert spell_of(con, host) == ([places] if places else []), history


def test_another_agents_group_does_not_end_a_spell(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "open gpt_shut gpt_open - -"})
    assert spell_of(con, "a.org", "CCBot") == [(D[0], D[1], D[2])]
    assert spell_of(con, "a.org") == [(D[0], D[0], D[1])]
    # The strictest answer of the label's members counts.
    assert spell_of(con, "a.org", "(study combined)") == [(D[0], D[0], D[1])]


def test_a_body_without_a_reading_is_passed_over(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "open some shut - -"})
    con.execute("DELETE FROM readings WHERE content_digest = 'some'")
    models.build(con, until="openness_survival")
    assert spell_of(con, "a.org") == [(D[0], D[0], D[2])]


def test_the_clock_starts_when_the_agent_was_listed_else_with_the_study(warehouse: Warehouse) -> None:
    agents = {"GPTBot": "training", "ClaudeBot": "training", "CCBot": "archive", "Later": "x", "None": "y"}
    listed = {"GPTBot": "2023-04-01", "ClaudeBot": "2023-07-01", "CCBot": "2008", "Later": "2024-01-01"}
    con = build(warehouse, {"a.org": "open open open shut shut"}, agents=agents, listed=listed)
    query = "SELECT agent, origin_on::VARCHAR, origin_basis FROM survival_origins ORDER BY agent"
    study = (D[0], "first_snapshot")
    assert rows(con, query) == [
        ("(any archive)", *study),
        ("(any training)", "2023-04-01", "first_listed"),
        ("(any y)", *study),
        ("(study combined)", *study),
        ("CCBot", *study),
        ("ClaudeBot", "2023-07-01", "first_listed"),
        ("GPTBot", "2023-04-01", "first_listed"),
        ("None", *study),
    ]
    assert spell_of(con, "a.org") == [(D[2], D[2], D[3])]
    assert spell_of(con, "a.org", "ClaudeBot") == []
    assert spell_of(con, "a.org", "CCBot") == [(D[0], D[2], D[3])]
    assert rows(con, "SELECT DISTINCT day FROM openness_survival WHERE agent = 'GPTBot' ORDER BY 1") == [
        (51,),  # 2023-05-22 less 2023-04-01
        (177,),
    ]


def test_the_curve_by_hand(warehouse: Warehouse) -> None:
    con = build(
        warehouse,
        {
            "a.org": "open gpt_shut - - -",  # enters 0, event 70
            "b.org": "open open open open open",  # enters 0, censored 336
            "c.org": "open open - gpt_shut -",  # enters 0, seen open 70, event 266
            "d.org": "- open open - -",  # enters 70, censored 140
            "e.org": "- - open gpt_shut -",  # enters 140, event 266
            "f.org": "- - - open -",  # enters and is last seen on 266: never at risk
        },
    )
    columns = "day, snapshot, n_hosts, n_domains, n_at_risk, n_entered, n_events, n_censored, survival"
    found = rows(con, f"SELECT {columns} FROM openness_survival WHERE agent = 'GPTBot' ORDER BY day")
    third, ninth = 2 / 3, 2 / 9
    assert found == [
        (0, S[0], 6, 6, 0, 3, 0, 0, 1.0),
        (70, S[1], 6, 6, 3, 1, 1, 0, pytest.approx(third)),
        (140, S[2], 6, 6, 3, 1, 0, 1, pytest.approx(third)),
        (266, S[3], 6, 6, 3, 1, 2, 1, pytest.approx(ninth)),  # b, c and e at risk
        (336, S[4], 6, 6, 1, 0, 0, 1, pytest.approx(ninth)),
    ]
    # Early: a on day 1 of (a b c): 2/3; c on day 71 of (b c d): 2/3; e on day 141 of (b e): 1/2.
    early = rows(con, "SELECT survival_early FROM openness_survival WHERE agent = 'GPTBot' ORDER BY day")
    assert [value for (value,) in early] == pytest.approx([1, 2 / 3, 4 / 9, 2 / 9, 2 / 9])


def test_strata_have_curves_of_their_own(warehouse: Warehouse) -> None:
    histories = {"a.org": "open gpt_shut - - -", "b.org": "open open - - -", "c.org": "open shut - - -"}
    con = build(warehouse, histories, strata={"a.org": "head", "b.org": "head"})
    query = "SELECT stratum, survival FROM openness_survival WHERE agent = '{}' AND day = 70 ORDER BY ALL"
    assert rows(con, query.format("GPTBot")) == [
        ("(all)", pytest.approx(1 / 3)),
        ("(none)", 0.0),
        ("head", pytest.approx(1 / 2)),
    ]
    assert rows(con, query.format("CCBot")) == [("(all)", pytest.approx(2 / 3)), ("(none)", 0.0), ("head", 1)]


def test_agents_that_no_file_names_share_the_curve_of_the_star_group(warehouse: Warehouse) -> None:
    agents = {"GPTBot": "training", "OneBot": "data", "OtherBot": "data"}
    con = build(warehouse, {"a.org": "open gpt_shut shut - -", "b.org": "open open - - -"}, agents=agents)
    query = "SELECT * EXCLUDE (agent) FROM openness_survival WHERE agent = '{}' ORDER BY day"
    one = rows(con, query.format("OneBot"))
    assert one == rows(con, query.format("OtherBot")) == rows(con, query.format("(any data)"))
    assert one != rows(con, query.format("GPTBot"))
    assert len(one) == 3


# ---- the estimate itself


@dataclass(frozen=True)
class Life:
    """One host of a made-up study."""

    site: int
    entered: int
    left: int
    early: int
    is_event: bool


def draw_lives(seed: int, n: int, n_sites: int) -> list[Life]:
    rng = random.Random(seed)
    lives = []
    for _ in range(n):
        entered, is_event = rng.randrange(6), rng.random() < 0.4
        left = rng.randrange(entered + 1 if is_event else entered, 10)
        early = rng.randrange(entered + 1, left + 1) if is_event else left
        lives.append(Life(rng.randrange(n_sites), entered, left, early, is_event))
    return lives


def spells_of(lives: list[Life]) -> Spells:
    """As the query hands them over: those alike in one row, in sorted order."""
    keys = [(life.site, life.entered, life.left, life.early, life.is_event) for life in lives]
    distinct = sorted(set(keys))
    columns = [np.array(column) for column in zip(*distinct, strict=True)]
    return Spells(*columns, np.array([keys.count(key) for key in distinct]))


def product_limit(lives: list[tuple[int, int, bool]], day: int) -> tuple[Fraction, Fraction]:
    """Survival after the day and Greenwood's sum, from (entered, left, is_event)."""
    survival, greenwood = Fraction(1), Fraction(0)
    for when in range(day + 1):
        at_risk = sum(entered < when <= left for entered, left, _ in lives)
        events = sum(left == when and is_event for _, left, is_event in lives)
        if events:
            survival *= 1 - Fraction(events, at_risk)
            if at_risk > events:
                greenwood += Fraction(events, at_risk * (at_risk - events))
    return survival, greenwood


@pytest.mark.parametrize("seed", range(8))
def test_the_estimate_is_the_product_limit_with_delayed_entry(seed: int) -> None:
    lives = draw_lives(seed, 40, 12)
    curve = estimate_curve(spells_of(lives))
    late = [(life.entered, life.left, life.is_event) for life in lives]
    early = [(life.entered, life.early, life.is_event) for life in lives]
    for n, day in enumerate(curve["day"]):
        survival, greenwood = product_limit(late, day)
        assert curve["survival"][n] == pytest.approx(float(survival), abs=1e-9)
        assert curve["survival_early"][n] == pytest.approx(float(product_limit(early, day)[0]), abs=1e-9)
        assert curve["n_at_risk"][n] == sum(entered < day <= left for entered, left, _ in late)
        if 0 < survival < 1:
            wide = 1.959963984540054 * math.sqrt(greenwood) / abs(math.log(survival))
            bounds = sorted(float(survival) ** math.exp(sign * wide) for sign in (-1, 1))
            assert [curve["survival_low"][n], curve["survival_high"][n]] == pytest.approx(bounds, abs=1e-7)
        else:
            assert math.isnan(curve["survival_low"][n])


@pytest.mark.parametrize("seed", range(8))
def test_the_estimate_is_that_of_lifelines(seed: int) -> None:
    lifelines = pytest.importorskip("lifelines")
    # Early entries, so that survival does not fall to 0 at once, where lifelines gives no estimate.
    lives = [Life(0, 0, 9, 9, False)] * 5 + draw_lives(seed, 60, 12)
    curve = estimate_curve(spells_of(lives))
    lasting = [life for life in lives if life.left > life.entered]
    columns = zip(*((life.left, life.is_event, life.entered) for life in lasting), strict=True)
    left, is_event, entered = (np.array(column) for column in columns)
    fit = lifelines.KaplanMeierFitter(alpha=0.05).fit(left, is_event, entry=entered)
    theirs = fit.survival_function_.iloc[:, 0]
    bounds = fit.confidence_interval_survival_function_
    for n, day in enumerate(curve["day"]):
        assert curve["survival"][n] == pytest.approx(theirs.loc[:day].iloc[-1], abs=1e-9)
        if not math.isnan(curve["survival_low"][n]):
            found = (curve["survival_low"][n], curve["survival_high"][n])
            assert found == pytest.approx(tuple(bounds.loc[:day].iloc[-1]), abs=1e-7)


def test_a_curve_that_falls_to_nothing_stays_there() -> None:
    lives = [Life(0, 0, 2, 2, True), Life(1, 3, 5, 4, True), Life(2, 3, 6, 6, False)]
    curve = estimate_curve(spells_of(lives))
    assert curve["survival"].tolist() == [1, 0, 0, 0, 0]
    assert np.isnan(curve["survival_low"]).all()


def influence(life: Life, lives: list[Life], day: int) -> float:
    """What one host adds to the estimate of the cumulative hazard at the day."""
    total = 0.0
    for when in range(day + 1):
        at_risk = sum(one.entered < when <= one.left for one in lives)
        events = sum(one.left == when and one.is_event for one in lives)
        if events:
            is_event = life.is_event and life.left == when
            total += is_event / at_risk - (life.entered < when <= life.left) * events / at_risk**2
    return total


@pytest.mark.parametrize("seed", range(4))
def test_the_design_effect_compares_sums_by_domain_with_hosts_apart(seed: int) -> None:
    lives = draw_lives(seed, 30, 7)
    spells = spells_of(lives)
    counts = count_days(spells)
    effects = design_effects(spells, counts)
    n_sites = len({life.site for life in lives})
    for day, effect in zip(counts.day, effects, strict=True):
        apart = sum(influence(life, lives, day) ** 2 for life in lives)
        together = sum(
            sum(influence(life, lives, day) for life in lives if life.site == site) ** 2 for site in range(7)
        )
        if apart:
            assert effect == pytest.approx(n_sites / (n_sites - 1) * together / apart, rel=1e-9)
        else:
            assert math.isnan(effect)


def test_domains_that_close_as_one_widen_the_interval() -> None:
    twins = [Life(site, 0, 3 if site % 3 else 9, 3, site % 3 > 0) for site in range(30) for _ in range(5)]
    curve = estimate_curve(spells_of(twins))
    assert curve["design_effect"][1] == pytest.approx(5 * 30 / 29)
    low, high = curve["survival_low"][1], curve["survival_high"][1]
    wide_low, wide_high = curve["clustered_low"][1], curve["clustered_high"][1]
    assert wide_low < low < curve["survival"][1] < high < wide_high
    factor = math.sqrt(5 * 30 / 29)
    middle = math.log(-math.log(curve["survival"][1]))
    assert math.log(-math.log(wide_low)) - middle == pytest.approx(
        factor * (math.log(-math.log(low)) - middle), rel=1e-6
    )


def test_one_domain_has_no_design_effect_and_hosts_seen_once_no_curve() -> None:
    alone = [Life(0, 0, 3, 2, True), Life(0, 0, 5, 5, False)]
    assert np.isnan(estimate_curve(spells_of(alone))["design_effect"]).all()
    once = estimate_curve(spells_of([Life(0, 2, 2, 2, False), Life(1, 4, 4, 4, False)]))
    assert once["day"].tolist() == [2, 4]
    assert np.isnan(once["survival"]).all()
    assert once["n_at_risk"].tolist() == [0, 0]


def test_work_in_pieces_gives_the_same_effects(monkeypatch: pytest.MonkeyPatch) -> None:
    spells = spells_of(draw_lives(1, 60, 9))
    counts = count_days(spells)
    whole = design_effects(spells, counts)
    monkeypatch.setattr("analysis.survival._ROWS_AT_ONCE", 4)
    assert design_effects(spells, counts) == pytest.approx(whole, nan_ok=True)
