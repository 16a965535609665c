"""The published tables of the estimates: shares of a corpus with their intervals and bounds."""

from analysis.dataset import Check, Dataset, Reference

_SNAPSHOT = Reference(("snapshot",), "snapshots", ("snapshot",))
_FROM = Reference(("snapshot_from",), "snapshots", ("snapshot",))
_TO = Reference(("snapshot_to",), "snapshots", ("snapshot",))
_ESTIMATE = ("agent", "corpus", "estimator", "part", "basis")

ESTIMATES_NOTE = """\
`study` repeats the arithmetic of Longpre et al. (2024); `design` is what the same hosts say of the corpus
when sources that are no web hosts are left out and hosts that are not known are taken as missing. What
carrying forward decides lies from `bound_low` to `bound_high`; what a different set of domains of the same
kind might have shown, from `share_low` to `share_high`; neither contains the other. Where few domains tell,
the latter are no narrower than exact limits with the effective number of domains (`interval_method`). No
interval covers what the readings of a file leave open: for that see `parser_bounds`."""

_BOUNDS = Check(
    "the share lies within its bounds",
    "SELECT * FROM {rows} WHERE share NOT BETWEEN bound_low AND bound_high"
    " OR share_if_unknown_open > share_if_unknown_closed",
)
_INTERVAL = Check(
    "an interval begins before it ends",
    "SELECT * FROM {rows} WHERE share_low > share_high OR sampling_low > sampling_high",
)
_SOME_OR_ALL = Check(
    "what is closed is restricted",
    """
    SELECT a.* FROM {rows} AS a
    JOIN {rows} AS b USING (snapshot, agent, corpus, estimator, part, basis)
    WHERE a.measure = 'all' AND b.measure = 'some_or_all' AND a.share > b.share
    """,
)

_MOVES = Check(
    "what moves a headline moves it by more than a point",
    "SELECT * FROM {rows} WHERE moves_headline IS DISTINCT FROM coalesce(abs(influence_points) > 1, true)",
)
_REFERENCE = Check(
    "some reading is the reference and differs from itself by nothing",
    """
    SELECT snapshot, agent, corpus, estimator, part, basis FROM {rows}
    GROUP BY ALL HAVING count(*) FILTER (difference_points IS NULL OR difference_points = 0) = 0
    """,
)

ESTIMATE_DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "level_estimates",
        "snapshot, agent, corpus, estimator, part, basis and measure",
        ("level_estimates",),
        (*_ESTIMATE, "measure", "snapshot"),
        references=(_SNAPSHOT,),
        checks=(_BOUNDS, _INTERVAL, _SOME_OR_ALL),
        note=ESTIMATES_NOTE,
    ),
    Dataset(
        "change_estimates",
        "pair of snapshots, agent, corpus, estimator, part and basis",
        ("change_estimates",),
        (*_ESTIMATE, "snapshot_from", "snapshot_to"),
        references=(_FROM, _TO),
    ),
    Dataset(
        "level_influences",
        "estimate, of a level or a change, and registrable domain that it hangs on",
        ("level_influences",),
        ("of", *_ESTIMATE, "domain"),
        references=(_FROM, _SNAPSHOT),
        checks=(_MOVES,),
    ),
    Dataset(
        "parser_estimates",
        "snapshot, agent, corpus, estimator, part, basis and reading",
        ("parser_estimates",),
        (*_ESTIMATE, "snapshot", "reading"),
        references=(_SNAPSHOT, Reference(("snapshot_12m_before",), "snapshots", ("snapshot",))),
        checks=(_REFERENCE,),
    ),
)
