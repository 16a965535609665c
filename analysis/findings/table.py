"""The table of findings, in the order of the report."""

from analysis.findings import (
    breakdowns,
    changes,
    estimates,
    evidence,
    forecasting,
    incumbents,
    probe,
    reach,
    restrictions,
    staying,
)

FINDINGS = (
    *restrictions.FINDINGS,
    *reach.FINDINGS,
    *breakdowns.FINDINGS,
    *estimates.FINDINGS,
    estimates.INFLUENCES,
    estimates.PARSERS,
    *changes.FINDINGS,
    *staying.FINDINGS,
    *incumbents.FINDINGS,
    incumbents.HEAD_START_CORPORA,
    *forecasting.FINDINGS,
    *probe.FINDINGS,
    *evidence.FINDINGS,
)
