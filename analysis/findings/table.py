"""The table of findings, in the order of the report."""

from analysis.findings import changes, evidence, probe, restrictions

FINDINGS = (
    *restrictions.FINDINGS,
    *changes.FINDINGS,
    *probe.FINDINGS,
    *evidence.FINDINGS,
)
