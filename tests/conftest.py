"""Fixtures and switches that every test may use."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("CENSUS_SHARED", Path(__file__).parents[2] / "shared"))


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
