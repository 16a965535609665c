"""The warehouse benchmark: its study is drawn as measured, and its three contenders give the same answers."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))

import warehouse_draw as draw  # noqa: E402
from warehouse_captures import form_of  # noqa: E402
from warehouse_input import list_snapshots, write_study  # noqa: E402
from warehouse_shape import KINDS, read_shape  # noqa: E402

N_HOSTS, N_MONTHS = 40, 4


def random_numbers() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(7))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, N_HOSTS, N_MONTHS)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_distribution_of_the_shape_sums_to_one() -> None:
    shape = read_shape()
    sums = [sum(shape.start), *(sum(row) for row in shape.moves), *map(sum, _named(shape))]
    assert max(abs(total - 1) for total in sums) < 1e-4


def _named(shape: object) -> list[list[float]]:
    names = ("first", "changed", "back", "body_kinds", "managed_by")
    return [list(getattr(shape, name).values()) for name in names]


def test_states_change_from_month_to_month_as_measured() -> None:
    shape = read_shape()
    history = draw.draw_history(shape, 4_000, 12, random_numbers())
    counts = Counter(
        zip(history.kinds[:-1].ravel().tolist(), history.kinds[1:].ravel().tolist(), strict=True)
    )
    for before in (KINDS.index("rules"), KINDS.index("absent")):
        total = sum(counts[before, after] for after in range(len(KINDS)))
        # Five deviations of a share of so many draws.
        tolerance = 5 * (0.25 / total) ** 0.5
        assert abs(counts[before, before] / total - shape.moves[before][before]) < tolerance


def test_a_body_stands_exactly_where_there_are_rules() -> None:
    history = draw.draw_history(read_shape(), 500, 6, random_numbers())
    assert ((history.bodies >= 0) == (history.kinds == KINDS.index("rules"))).all()
    assert history.bodies.max() < history.n_bodies


def test_a_host_keeps_its_body_for_as_many_months_as_measured() -> None:
    shape = read_shape()
    history = draw.draw_history(shape, 4_000, 12, random_numbers())
    both = (history.bodies[:-1] >= 0) & (history.bodies[1:] >= 0)
    share = (history.bodies[:-1] != history.bodies[1:])[both].mean()
    # A change that draws the body which the host has already is none: the share may only be a little smaller.
    assert 0.8 * shape.changes < share < 1.1 * shape.changes


def test_each_host_has_one_form_for_good() -> None:
    hosts = np.arange(10_000)
    forms = form_of(hosts)
    assert (forms == form_of(hosts)).all()
    assert abs((forms == 0).mean() - 0.5) < 0.05


def test_snapshots_are_monthly_and_begin_on_mondays() -> None:
    snapshots = list_snapshots(56)
    assert [snapshots[0].name, snapshots[-1].name] == ["CC-MAIN-2020-32", "CC-MAIN-2025-10"]
    assert {snapshot.starts_on.weekday() for snapshot in snapshots} == {0}
    assert len({(s.starts_on.year, s.starts_on.month) for s in snapshots}) == 56


def test_every_ruleset_that_a_reading_names_is_there(study: Path) -> None:
    tables = study / "out" / "tables"
    read = set(ds.dataset(tables / "readings").to_table(["ruleset"])["ruleset"].to_pylist())
    told = set(ds.dataset(tables / "rulesets").to_table(["ruleset"])["ruleset"].to_pylist())
    assert read == told


def test_the_same_seed_gives_the_same_bytes(study: Path, tmp_path: Path) -> None:
    write_study(tmp_path, N_HOSTS, N_MONTHS)
    assert digests(tmp_path) == digests(study)


def test_the_table_names_every_contender_and_judges_every_target(tmp_path: Path) -> None:
    # The script itself refuses contenders whose answers differ.
    command = [sys.executable, str(ROOT / "benchmarks" / "warehouse.py"), "--hosts", "30", "--months", "3"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--rounds", "1", "--work", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert f"{30 * 3 * 73:,} panel rows" in done.stdout
    assert "| question | view | stored | pandas |" in done.stdout
    verdicts = [line for line in done.stdout.splitlines() if line.startswith(("   met", "MISSED"))]
    assert len(verdicts) == 5


def test_the_loading_benchmark_adds_every_release_and_builds_each_anew(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "loading.py"), "--hosts", "60", "--months", "2"]
    done = subprocess.run(
        [*command, "--workers", "1", "--work", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CENSUS_SHARED": "nowhere"},
    )
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line]
    assert [row[0] for row in rows[2:]] == ["1", "2", "all together"]
    assert 0 < int(rows[2][1]) < int(rows[3][1])
    assert all(float(cell) > 0 for row in rows[2:] for cell in row[3:])
    assert done.stderr.count(" new parts of ") == 4
