"""Fixtures and switches that every test may use."""

import importlib.util
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest

from analysis import models
from pipeline.layout import Layout
from pipeline.storage.choice import open_storage
from pipeline.storage.storage import Storage

SHARED = Path(os.environ.get("CENSUS_SHARED", Path(__file__).parents[2] / "shared"))


# Files of few tests that take minutes. Whoever begins with them is not left with one of them at the end.
SLOW = (
    "test_pipeline_kill",
    "test_pipeline_nfs",
    "test_pipeline_spark",
    "test_pipeline_spark_sessions",
    "test_pipeline_index_kill",
    "test_pipeline_bucket",
    "test_pipeline_slurm",
    "test_pipeline_loading",
    "test_demo_end_to_end",
    "test_probe_bench",
    "test_pipeline_storage_create",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first; otherwise the order stays."""
    places = {name: place for place, name in enumerate(SLOW)}
    items.sort(key=lambda item: places.get(item.path.stem, len(SLOW)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real test input; the test is skipped where it is not present."""
    if not (SHARED / "corpus").is_dir():
        pytest.skip("the shared corpus is not on this machine (set CENSUS_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def require_all() -> bool:
    """Whether a missing server or browser is a failure, as it is in CI."""
    return os.environ.get("CENSUS_REQUIRE_ALL") == "1"


@pytest.fixture
def warehouse() -> Iterator[Callable[..., duckdb.DuckDBPyConnection]]:
    """Makes small warehouses in memory; takes the fields of `warehouse_notation.Study`, where they are told.

    The stored tables are filled, the models are not built. Without arguments all tables are empty.
    """
    notation = _load("warehouse_notation")
    opened: list[duckdb.DuckDBPyConnection] = []

    def make(**study: object) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect()
        opened.append(con)
        notation.fill(con, notation.Study(**study))
        return con

    yield make
    for con in opened:
        con.close()


@pytest.fixture(scope="session")
def made_up_census() -> Iterator[duckdb.DuckDBPyConnection]:
    """A census of 200 made-up hosts in four snapshots with every model built; for reading only."""
    snapshots = ("CC-MAIN-2020-39", "CC-MAIN-2022-12", "CC-MAIN-2023-39", "CC-MAIN-2024-52")
    with duckdb.connect() as con:
        _load("made_up_census").fill_census(con, snapshots, 200)
        models.build(con)
        yield con


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What users' programs share on a machine, such as the pace of an address, tests do not share."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory, require_all: bool) -> Iterator[Any]:
    """The running `bench.stand.Bench` of real servers; the test is skipped where one of them is missing."""
    from bench import processes, stand

    missing = processes.find_missing()
    if missing and not require_all:
        pytest.skip(f"servers that are not on this machine: {', '.join(missing)}")
    assert not missing, f"install Debian's packages {' '.join(missing)}"
    with stand.Bench(tmp_path_factory.mktemp("bench")) as running:
        yield running


@pytest.fixture
def faulty_server() -> Iterator[Any]:
    """A running `faulty_server.FaultyServer` without files."""
    with _load("faulty_server").FaultyServer() as server:
        yield server


@pytest.fixture(scope="session")
def archives() -> Any:
    """The module `indexed_archive`: writes small archives that have a columnar index."""
    return _load("indexed_archive")


@pytest.fixture(scope="session")
def studies() -> Any:
    """The module `targeted_study`: drives studies of such archives."""
    return _load("targeted_study")


@pytest.fixture(scope="session")
def loaded() -> Any:
    """The module `loaded_study`: studies of three releases that are loaded one after another."""
    return _load("loaded_study")


@pytest.fixture(scope="session")
def pages() -> Any:
    """The module `page_index`: writes the pages that a release's index holds."""
    return _load("page_index")


@pytest.fixture(scope="module")
def s3_server(require_all: bool) -> Iterator[Any]:
    """A running `s3_server.S3Server`; the test is skipped where its libraries are not installed."""
    if find_spec("moto") is None or find_spec("boto3") is None:
        assert not require_all, "moto and boto3 must be installed"
        pytest.skip("moto or boto3 is not installed")
    with _load("s3_server").S3Server() as server:
        yield server


@pytest.fixture(scope="session")
def faulty_proxy() -> Any:
    """The module `faulty_proxy`: goes wrong between a program and a server."""
    return _load("faulty_proxy")


@pytest.fixture
def bucket_root(s3_server: Any, aws_user: pytest.MonkeyPatch) -> Iterator[str]:
    """The root of a place in a bucket, empty, with something of others beside it."""
    aws_user.setenv("AWS_ENDPOINT_URL", s3_server.address)
    s3_server.put("census", "beside.txt", b"of others")
    yield f"s3://census/{secrets.token_hex(4)}/deep"
    open_storage.cache_clear()


@pytest.fixture
def small_s3(aws_user: pytest.MonkeyPatch, require_all: bool) -> Iterator[Any]:
    """A running `small_s3.SmallS3`, which keeps its conditions, and fails as a test wants it."""
    if find_spec("boto3") is None:
        assert not require_all, "boto3 must be installed"
        pytest.skip("boto3 is not installed")
    with _load("small_s3").SmallS3().serve() as server:
        aws_user.setenv("AWS_ENDPOINT_URL", server.address)
        yield server
    open_storage.cache_clear()


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A folder or a bucket's prefix, empty: what is tested holds of both."""
    if request.param == "folder":
        return open_storage(str(tmp_path / "new" / "folder"))
    return open_storage(request.getfixturevalue("bucket_root"))


@pytest.fixture
def executor(storage: Storage, tmp_path: Path) -> Any:
    """A `task_writer.Executor` whose output is a folder or a bucket."""
    return _load("task_writer").Executor(Layout(tmp_path / "here", output=storage.root))


@pytest.fixture
def local(tmp_path: Path) -> Any:
    """A `task_writer.Executor` whose output is a folder: for what does not depend on that."""
    return _load("task_writer").Executor(Layout(tmp_path))


@pytest.fixture(scope="session")
def clusters() -> Any:
    """The module `clusters`: Spark and Slurm on this machine."""
    return _load("clusters")


@pytest.fixture(scope="session")
def nfs_lab() -> Any:
    """The module `nfs_lab`: a file server and machines that mount its folder."""
    return _load("nfs_lab")


@pytest.fixture(scope="session")
def spark_study() -> Any:
    """The module `spark_study`: a study of the bundled archive on a cluster."""
    return _load("spark_study")


@pytest.fixture(scope="session")
def local_digests(spark_study: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every part and every published table that the local engine makes of that study: path to digest."""
    found: dict[str, str] = spark_study.local_digests(tmp_path_factory)
    return found


@pytest.fixture(scope="session")
def spark4(clusters: Any, require_all: bool) -> Any:
    """The pyspark of this environment, as `clusters.Spark`; the test is skipped where there is none."""
    return _require(clusters.find_spark(), "pyspark and a Java of version 17 or newer", require_all)


@pytest.fixture(scope="session")
def spark35(clusters: Any, require_all: bool) -> Any:
    """The same of pyspark 3.5, which stands in a folder of its own."""
    return _require(clusters.find_spark35(), "pyspark 3.5 below CENSUS_SPARK35 and Java", require_all)


def _require(found: Any, what: str, require_all: bool) -> Any:
    if found is None:
        assert not require_all, f"{what} must be installed"
        pytest.skip(f"not on this machine: {what}")
    return found


@pytest.fixture(scope="session")
def probes() -> Any:
    """The module `probe_study`: a small site on loopback, and studies that probe it."""
    return _load("probe_study")


@pytest.fixture(scope="session")
def cookbook() -> Any:
    """The module `write_cookbook`: reads the recipes of docs/cookbook.md, and asks them."""
    return _load("write_cookbook")


@pytest.fixture
def aws_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A user of whom AWS's tools know nothing; to be changed by what comes back."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
def aws_user(aws_nobody: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A user with credentials in the environment."""
    aws_nobody.setenv("AWS_ACCESS_KEY_ID", "an-id")
    aws_nobody.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    return aws_nobody


def _load(name: str, file: str = "") -> ModuleType:
    """A module beside this one, or a package by its `__init__.py`; tests are not importable by name."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / (file or f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The servers of the bench are modules of one package, which tests import by its name.
_load("bench", "bench/__init__.py")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Any]:
    """A running `probe_lab.Lab` without hosts; the module is `lab.tools`."""
    module = _load("probe_lab")
    with module.Lab(tmp_path).serve() as running:
        running.tools = module
        yield running
