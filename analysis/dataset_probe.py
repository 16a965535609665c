"""The published tables of the live probe; they have their header alone where a study has no probe."""

from analysis.criteria import Declared, Verdict
from analysis.dataset import Check, Dataset, Reference

VERDICTS_NOTE = """\
A verdict says that requests that bore a token, sent from an unverified address, were refused while others of
the same make were served. It says nothing of the operator of that token, and nothing of the site's intent:
owners often do not know what stands in front of their site. Evidence that does not suffice is `insufficient`
and is never filled in. `criterion_id` names the line of `criteria` that gave the verdict."""

_HOST = Reference(("host",), "sites", ("host",))
_CRITERION = Reference(("criterion_id",), "criteria", ("criterion_id",))

_UNDECLARED = Check(
    "undeclared is a block where robots.txt allows or is absent",
    "SELECT * FROM {rows} WHERE is_undeclared IS DISTINCT FROM"
    " (is_block AND coalesce(declared IN ('allow', 'absent'), false))",
)
_COUNTS = Check(
    "no more denials than blocks",
    "SELECT * FROM {rows} WHERE greatest(n_denied, n_control_denied) > n_blocks",
)
_BLOCKS_ARE_PROVEN = Check(
    "a block has a confirmation and a control that was served",
    "SELECT * FROM {rows}"
    " WHERE is_block AND (NOT is_confirmed OR control IS NULL OR n_control_denied >= n_denied)",
)
_SUM = Check(
    "hosts sum to the verdicts",
    """
    SELECT m.*, v.n AS n_expected
    FROM (
        SELECT run, identity, sum(n_hosts) AS n FROM {rows}
        WHERE stratum = '(all)' AND corpus = 'hosts' GROUP BY ALL
    ) AS m
    FULL JOIN (SELECT run, identity, count(*) AS n FROM verdicts GROUP BY ALL) AS v USING (run, identity)
    WHERE m.n IS DISTINCT FROM v.n
    """,
)

PROBE_OUTCOMES = """
SELECT * EXCLUDE (sketch), row_number() OVER (
        PARTITION BY run, host, identity, block, target, hop ORDER BY warc_filename, warc_record_offset
    ) AS attempt
FROM probe_outcomes
"""

PROBE_OUTCOMES_NOTE = """\
This is the evidence of `verdicts`: every request of the probe by itself, with the WARC record that holds the
answer or the note of the failure. A verdict of a run, host and identity rests on the rows of that run and
host: those of the identity and those of its `control`."""

PROBE_DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "criteria",
        "criterion of a verdict",
        ("criteria",),
        ("criterion_id",),
        vocabularies=(("verdict", Verdict),),
    ),
    Dataset(
        "verdicts",
        "run of the live probe, host and identity that bears a token, or is the placebo",
        ("verdicts",),
        ("run", "host", "identity"),
        vocabularies=(("verdict", Verdict), ("declared", Declared)),
        references=(_HOST, _CRITERION),
        checks=(_UNDECLARED, _COUNTS, _BLOCKS_ARE_PROVEN),
        note=VERDICTS_NOTE,
    ),
    Dataset(
        "probe_outcomes",
        "request of the live probe",
        ("probe_outcomes",),
        ("run", "host", "identity", "block", "target", "hop", "attempt"),
        query=PROBE_OUTCOMES,
        added=(("attempt", "Which of several requests that are alike in all this, from 1"),),
        note=PROBE_OUTCOMES_NOTE,
    ),
    Dataset(
        "declared_vs_observed",
        "run of the live probe, identity, stratum, corpus, declaration and verdict",
        ("declared_vs_observed",),
        ("run", "identity", "stratum", "corpus", "declared", "verdict"),
        vocabularies=(("verdict", Verdict),),
        checks=(_SUM,),
    ),
    Dataset(
        "probe_rates",
        "run of the live probe, rate and identity",
        ("probe_rates",),
        ("run", "rate", "identity"),
    ),
)
