"""A campaign of the live probe on the bench, by the commands themselves, from the study file to verdicts."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

import pipeline
from bench import confusion
from bench.obedience import Breach, find_breaches
from bench.stand import CANARY, Asked, Bench
from crawler.identities import OUR_TOKEN
from crawler.plan import ProbePlan, ProbeSummary, write_plan
from pipeline import asking, cli
from pipeline.layout import Layout

DEMO = Path(pipeline.__file__).with_name("demo") / "archive"
HTTP_ARMS = ("honest", "honest2", "placebo", "token:GPTBot", "token:CCBot", "browser_ua")
# All that verdicts are made of: no table is published of them, and no page.
STAGES = ("discover", "capture", "declare", "probe", "load", "analyse")
STUDY = """
[study]
name = "bench"
[archive]
root = "{archive}"
crawls = ["CC-MAIN-2024-10"]
mode = "scan"
[sites]
file = "sites.csv"
[engine]
workers = 1
[output]
folder = "out"
[probe]
contact = "https://census.example/about"
identities = [{identities}]
canaries = ["{canary}"]
test_network = "{network}"
name_servers = ["{name_server}"]
[probe.schedule]
request_gap_s = 0
domain_interval_s = 0
block_gap_s = 0
"""


@dataclass(frozen=True)
class Census:
    """A campaign that is over: its warehouse, what the servers saw of it, and its findings."""

    warehouse: Path
    asked: list[Asked]
    breaches: list[Breach]
    findings: list[confusion.Finding]
    was_forbidden_port_reached: bool

    def query(self, query: str) -> list[Any]:
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            return con.execute(query).fetchall()

    def asked_of(self, host: str) -> list[Asked]:
        return [one for one in self.asked if one.host == host]


def hold(
    bench: Bench, folder: Path, hosts: Sequence[str], identities: Sequence[str], answer_s: float
) -> Census:
    """Probe hosts of the bench by the verb of each stage to the verdicts; an answer may take `answer_s`."""
    since = time.time()
    bench.was_forbidden_port_reached()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "_run_child", _make_runner(answer_s))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        study = _write_study(bench, folder, hosts, identities)
        assert {stage: cli.main([stage, str(study)]) for stage in STAGES} == dict.fromkeys(STAGES, 0)
    asked = [one for one in bench.requests() if one.at >= since - 0.01]
    warehouse = Layout(folder / "out").warehouse
    rows = [row for row in bench.truth if row.host in hosts]
    return Census(
        warehouse,
        asked,
        # A canary is a host of the census itself: its front page is asked whatever its robots.txt says.
        find_breaches(bench, [one for one in asked if one.host != CANARY], OUR_TOKEN),
        confusion.compare(rows, _read_verdicts(warehouse)),
        bench.was_forbidden_port_reached(),
    )


def _write_study(bench: Bench, folder: Path, hosts: Sequence[str], identities: Sequence[str]) -> Path:
    (folder / "sites.csv").write_text("\n".join(["host", *hosts, ""]), encoding="utf-8")
    study, names = folder / "study.toml", ", ".join(f'"{name}"' for name in identities)
    values = {"archive": DEMO, "network": bench.network, "name_server": bench.name_server}
    study.write_text(STUDY.format(identities=names, canary=CANARY, **values), encoding="utf-8")
    return study


def _make_runner(answer_s: float) -> Callable[[ProbePlan, Path], ProbeSummary]:
    """What the command does to carry out a plan, but that an answer may take less time."""

    def run_child(plan: ProbePlan, path: Path) -> ProbeSummary:
        summary = path.with_name(f"summary-{path.name}")
        write_plan(plan, path)
        command = [sys.executable, "-m", "bench.impatient", str(path), str(summary), str(answer_s)]
        environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin"}
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, env=environment, timeout=900)
        return asking.read_summary(summary)

    return run_child


def _read_verdicts(warehouse: Path) -> dict[tuple[str, str], str]:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        rows = con.execute(
            "SELECT host, agent, verdict FROM verdicts WHERE identity LIKE 'token:%'"
        ).fetchall()
    return {(host, agent): verdict for host, agent, verdict in rows}
