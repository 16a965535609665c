"""The strata of the 2024 study, from its own token counts: shares of the head and effective numbers."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from analysis import models

TOTALS = {"c4": 170_005_451_386, "rf": 431_169_198_316, "dolma": 1_974_278_779_400}
# Of the head: its share of the corpus in per cent, Kish's n; of the random stratum: Kish's n.
PUBLISHED = {"c4": (10.87, 445, 301), "rf": (15.65, 669, 152), "dolma": (21.78, 9.1, 232)}
Warehouse = Callable[..., duckdb.DuckDBPyConnection]


def read_tokens(path: Path) -> dict[str, Counter[str]]:
    """Tokens of each corpus by host, www. put before those without, as the study merged them."""
    tokens: dict[str, Counter[str]] = {corpus: Counter() for corpus in TOTALS}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            host = row["url"] if row["url"].startswith("www.") else f"www.{row['url']}"
            for corpus, counts in tokens.items():
                counts[host] += int(row[f"{corpus}_tokens"])
    return tokens


def fill(con: duckdb.DuckDBPyConnection, tokens: dict[str, Counter[str]]) -> None:
    heads = {
        corpus: {host for host, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:2000]}
        for corpus, counts in tokens.items()
    }
    in_a_head = set().union(*heads.values())
    sites = [(host, "head" if host in in_a_head else "random") for host in tokens["c4"]]
    weights = [
        (host, corpus, n, host in heads[corpus])
        for corpus, counts in tokens.items()
        for host, n in counts.items()
    ]
    con.register("sites_read", pd.DataFrame(sites, columns=["host", "stratum"]))
    con.execute("INSERT INTO sites BY NAME SELECT *, true AS is_domain FROM sites_read")
    con.register("weights_read", pd.DataFrame(weights, columns=["host", "corpus", "weight", "is_head"]))
    con.execute("INSERT INTO site_weights BY NAME SELECT * FROM weights_read")
    for corpus, total in TOTALS.items():
        con.execute(
            "INSERT INTO corpora BY NAME SELECT ? AS corpus, ? AS total_weight, 'random' AS sample_stratum",
            [corpus, total],
        )


def test_strata_and_effective_numbers_are_those_of_the_study(shared: Path, warehouse: Warehouse) -> None:
    con = warehouse()
    fill(con, read_tokens(shared / "reference" / "token-counts.csv"))
    models.build(con, until="corpus_parts")
    rows = con.execute(
        "SELECT corpus, part, n_sources, study_share, source_kish_n FROM corpus_parts WHERE corpus <> 'hosts'"
    ).fetchall()
    found = {(corpus, part): values for corpus, part, *values in rows}
    assert len(found) == 9
    for corpus, (percent, n_head, n_random) in PUBLISHED.items():
        n, share, kish = found[corpus, "head"]
        assert (n, round(100 * share, 2)) == (2000, percent)
        assert kish == pytest.approx(n_head, rel=0.006)
        n, rest, kish = found[corpus, "sample"]
        assert (n, rest) == (9995, pytest.approx(1 - share))
        assert kish == pytest.approx(n_random, rel=0.006)
        assert found[corpus, "listed"][0] == 1945
