"""The table of models: each by name, what it is built as, and what Python prepares before it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import duckdb

from analysis.breakdown_tables import register_properties
from analysis.breaks import register_breaks
from analysis.criteria import register_criteria
from analysis.estimate_intervals import register_estimate_intervals
from analysis.exact import register_exact_p
from analysis.forecast_tables import register_forecasts
from analysis.published_forecasts import register_claims
from analysis.resampling import register_intervals
from analysis.survival import register_survival
from analysis.url_tables import create_url_tables
from analysis.url_verdicts import register_url_verdicts


class Kind(StrEnum):
    """Whether a model is stored or computed when asked."""

    TABLE = "table"
    VIEW = "view"


@dataclass(frozen=True, slots=True)
class Model:
    """A model by name, and what it is built as unless the caller wants it stored.

    A table `in_batches` is filled some snapshots at a time, as analysis.batches says.
    """

    name: str
    kind: Kind
    in_batches: bool = False


MODELS = (
    Model("snapshot_order", Kind.VIEW),
    Model("site_groups", Kind.VIEW),
    Model("agent_groups", Kind.VIEW),
    Model("declarations", Kind.VIEW),
    Model("outcome_levels", Kind.TABLE),
    Model("answers", Kind.TABLE, in_batches=True),
    Model("host_snapshots", Kind.TABLE),
    Model("host_outcomes", Kind.VIEW),
    Model("panel_by_dialect", Kind.VIEW),
    Model("panel", Kind.VIEW),
    Model("declared_levels", Kind.TABLE),
    Model("endpoint_comparison", Kind.TABLE),
    Model("transitions", Kind.TABLE),
    Model("refusals_over_time", Kind.TABLE),
    Model("coverage", Kind.TABLE),
    Model("losses_by_reason", Kind.VIEW),
    Model("parser_bounds", Kind.TABLE),
    Model("head_start", Kind.TABLE),
    Model("survival_origins", Kind.VIEW),
    Model("outcome_runs", Kind.TABLE),
    Model("open_spells", Kind.VIEW),
    Model("openness_survival", Kind.TABLE),
    Model("reclosings", Kind.VIEW),
    Model("churn", Kind.TABLE),
    Model("observation_bases", Kind.VIEW),
    Model("known_states", Kind.VIEW),
    Model("known_outcomes", Kind.VIEW),
    Model("closure_steps", Kind.VIEW),
    Model("estimate_hosts", Kind.TABLE),
    Model("corpus_parts", Kind.TABLE),
    Model("part_known", Kind.TABLE),
    Model("part_closed", Kind.TABLE),
    Model("change_pairs", Kind.VIEW),
    Model("level_estimates", Kind.TABLE),
    Model("change_estimates", Kind.TABLE),
    Model("listed_members", Kind.VIEW),
    Model("dated_levels", Kind.TABLE),
    Model("breakdown_cells", Kind.TABLE),
    Model("level_breakdowns", Kind.TABLE),
    Model("incumbent_corpus", Kind.TABLE),
    Model("domain_weights", Kind.VIEW),
    Model("level_influences", Kind.TABLE),
    Model("parser_estimates", Kind.TABLE),
    Model("monthly_levels", Kind.TABLE),
    Model("change_points", Kind.TABLE),
    Model("forecasts", Kind.TABLE),
    Model("forecast_scores", Kind.TABLE),
    Model("published_forecasts", Kind.TABLE),
    Model("url_pool", Kind.TABLE),
    Model("accessible_share", Kind.TABLE),
    Model("accessible_levels", Kind.TABLE),
    Model("url_coverage", Kind.TABLE),
    Model("probe_answers", Kind.VIEW),
    Model("probe_outcomes", Kind.TABLE),
    Model("page_distances", Kind.TABLE),
    Model("page_limits", Kind.TABLE),
    Model("block_outcomes", Kind.TABLE),
    Model("arm_blocks", Kind.TABLE),
    Model("host_blocks", Kind.TABLE),
    Model("verdict_counts", Kind.TABLE),
    Model("verdict_measures", Kind.TABLE),
    Model("arm_verdicts", Kind.TABLE),
    Model("declared_live", Kind.VIEW),
    Model("verdicts", Kind.TABLE),
    Model("declared_vs_observed", Kind.TABLE),
    Model("rate_cells", Kind.VIEW),
    Model("probe_rates", Kind.TABLE),
)
"""Every model, each after those it reads."""

PREPARED: Mapping[str, Callable[[duckdb.DuckDBPyConnection], None]] = {
    "level_estimates": register_estimate_intervals,
    "breakdown_cells": register_properties,
    "url_pool": create_url_tables,
    "accessible_share": register_url_verdicts,
    "page_distances": register_criteria,
    "verdict_measures": register_exact_p,
    "probe_rates": register_intervals,
    "openness_survival": register_survival,
    "change_points": register_breaks,
    "forecasts": register_forecasts,
    "published_forecasts": register_claims,
}
"""What is not worked out in SQL, by the model that reads it: done when all models before it are there."""
