"""Rows about a host lead to the record that they rest on: in the archive, and in the probe's evidence."""

import base64
import csv
import gzip
import hashlib
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from analysis.dataset_table import DATASETS
from pipeline.commands.demo import BUNDLE
from pipeline.run import run_stages, stages_of
from pipeline.study import read_study

N_ROWS = 60
# Tables about hosts whose rows come from the study's own list, or lead on by their key to `probe_outcomes`.
FROM_THE_LIST = {"sites", "site_weights"}
RECORD = {"warc_filename", "warc_record_offset"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bundle = tmp_path_factory.mktemp("provenance") / "bundle"
    shutil.copytree(BUNDLE, bundle)
    study = read_study(bundle / "study.toml")
    run_stages(study, stages_of(study)[:-1])
    return bundle


def sample(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return random.Random(name).sample(rows, min(N_ROWS, len(rows)))


def read_record(path: Path, offset: str) -> tuple[str, str, str, str]:
    """URL, status, and SHA-1 in base 32 of the payload as it stands and as decoded, of a record.

    Some releases of 2018 have one line end too many between the headers and the body.
    """
    with path.open("rb") as file:
        file.seek(int(offset))
        record = next(iter(ArchiveIterator(file)))
        url = record.rec_headers.get_header("WARC-Target-URI")
        status = record.http_headers.get_statuscode() if record.http_headers else ""
        raw = record.raw_stream.read()
        raw = raw.removeprefix(b"\r\n") if "CC-MAIN-2018" in str(path) else raw
    decoded = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    digests = [base64.b32encode(hashlib.sha1(body).digest()).decode() for body in (raw, decoded)]
    return url, status, digests[0], digests[1]


def test_every_table_about_hosts_carries_its_provenance(demo: Path) -> None:
    for dataset in DATASETS:
        if "host" not in dataset.key or dataset.name in FROM_THE_LIST:
            continue
        with (demo / "out" / "dataset" / f"{dataset.name}.csv").open(encoding="utf-8", newline="") as file:
            columns = set(next(csv.reader(file)))
        leads_on = {"run", "identity", "criterion_id", "criteria_version"} <= columns
        both = {f"{name}_{side}" for name in RECORD for side in ("from", "to")} <= columns
        assert leads_on or both or columns >= RECORD, dataset.name
        if "restriction" in columns or "level_from" in columns:
            assert columns >= {"dialect", "dialect_version"}, dataset.name


@pytest.mark.parametrize("name", ["answers", "host_declarations"])
def test_a_row_leads_to_the_record_with_its_digest(demo: Path, name: str) -> None:
    rows = sample(demo / "out" / "dataset", name)
    assert len(rows) == N_ROWS
    for row in rows:
        url, status, *digests = read_record(
            demo / "archive" / row["warc_filename"], row["warc_record_offset"]
        )
        assert row["snapshot"] in row["warc_filename"]
        if row["content_digest"]:
            assert row["content_digest"] in digests
        if "end_url" in row:
            assert (url, status) == (row["end_url"], row["end_status"]) or row["snapshot"] < "CC-MAIN-2017-26"


def test_a_change_leads_to_the_records_of_both_sides(demo: Path) -> None:
    rows = sample(demo / "out" / "dataset", "transitions")
    for row in rows:
        for side in ("from", "to"):
            path = demo / "archive" / row[f"warc_filename_{side}"]
            *_, raw, decoded = read_record(path, row[f"warc_record_offset_{side}"])
            assert row[f"content_digest_{side}"] in ("", raw, decoded)
            assert row[f"snapshot_{side}"] in row[f"warc_filename_{side}"]
    assert sum(row["content_digest_to"] != "" for row in rows) > N_ROWS / 2


def test_a_verdict_leads_to_the_evidence_of_its_requests(probes: Any, tmp_path: Path) -> None:
    with probes.serve() as server:
        root = f'{BUNDLE / "archive"}"\ncrawls = ["CC-MAIN-2024-10"]\nmode = "scan'
        study = probes.ProbeStudy(tmp_path / "study", server.server_port, root=root).study()
        run_stages(study, stages_of(study)[:-1])
    dataset = study.folder / "dataset"
    verdicts, outcomes = sample(dataset, "verdicts"), sample(dataset, "probe_outcomes")
    with (dataset / "probe_outcomes.csv").open(encoding="utf-8", newline="") as file:
        asked = {(row["run"], row["host"], row["identity"]) for row in csv.DictReader(file)}
    assert verdicts
    for row in verdicts:
        assert (row["run"], row["host"], row["identity"]) in asked
        assert row["criteria_version"]
    for row in outcomes:
        url, status, *digests = read_record(
            study.folder / "evidence" / row["warc_filename"], row["warc_record_offset"]
        )
        assert f"//{row['host']}" in url
        assert row["body_digest"] in ("", *digests)
        assert status or row["stage"] != "http"
