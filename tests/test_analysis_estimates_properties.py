"""What an estimate does not depend on: the unit of the weights, and how a domain is split into hosts."""

import runpy
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis import models

HERE = Path(__file__).parent
TRUTH = runpy.run_path(str(HERE / "estimate_truth.py"))
NOTATION = runpy.run_path(str(HERE / "warehouse_notation.py"))
BESIDES = ("kish_n", "n_hosts", "n_hosts_restricted")


def with_twins(study: dict[str, Any], factor: float) -> dict[str, Any]:
    """The study and two corpora more: `scaled` by a factor, and `split`, two hosts to each weight."""
    sample, total = study["corpora"]["c4"]
    weights, heads, strata = dict(study["weights"]), set(study["heads"]), dict(study["strata"])
    histories = dict(study["histories"])
    for (host, _), weight in study["weights"].items():
        weights[host, "scaled"] = weight * factor
        for label in ("one", "two"):
            twin = f"{label}-{host}"
            histories[twin], strata[twin] = study["histories"][host], study["strata"][host]
            weights[twin, "split"] = weight / 2
    for host, _ in study["heads"]:
        heads |= {(host, "scaled"), (f"one-{host}", "split"), (f"two-{host}", "split")}
    sources = study["no_domains"]
    return {
        **study,
        "histories": histories,
        "strata": strata,
        "weights": weights,
        "heads": heads,
        "no_domains": [*sources, *(f"{label}-{host}" for host in sources for label in ("one", "two"))],
        "corpora": {"c4": (sample, total), "scaled": (sample, total * factor), "split": (sample, total)},
    }


def rows_of(con: duckdb.DuckDBPyConnection, corpus: str, columns: str) -> list[tuple[Any, ...]]:
    return con.execute(
        f"SELECT {columns} FROM level_estimates WHERE corpus = '{corpus}' ORDER BY ALL"
    ).fetchall()


@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(100, 10_000), factor=st.sampled_from([0.25, 8.0, 1024.0]))
def test_neither_the_unit_nor_the_splitting_of_hosts_changes_an_estimate(seed: int, factor: float) -> None:
    study = with_twins(TRUTH["draw_study"](seed, 10), factor)
    with duckdb.connect() as con:
        NOTATION["fill"](con, NOTATION["Study"](**study))
        con.execute("UPDATE sites SET registered_domain = host[instr(host, '.') + 1:]")
        models.build(con, until="level_estimates")
        key = "snapshot, agent, estimator, part, basis, measure"
        bounds = "bound_low, bound_high, share_if_unknown_open, share_if_unknown_closed"
        shared = f"{key}, share, {bounds}, n_domains, kish_n_domains"
        ours = rows_of(con, "c4", shared)
        assert len(ours) > 100
        assert rows_of(con, "split", shared) == ours
        assert rows_of(con, "scaled", shared) == ours
        alone = ", ".join((key, *BESIDES))
        assert rows_of(con, "scaled", alone) == rows_of(con, "c4", alone)
        twice = f"{key}, kish_n / 2, n_hosts // 2, n_hosts_restricted // 2"
        once = rows_of(con, "c4", alone)
        for (*place, n, hosts, restricted), (*same, ours_n, ours_hosts, ours_restricted) in zip(
            rows_of(con, "split", twice), once, strict=True
        ):
            assert (place, hosts, restricted) == (same, ours_hosts, ours_restricted)
            assert n == ours_n or abs(n - ours_n) < 2e-6
