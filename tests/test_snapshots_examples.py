"""The examples in docstrings are true."""

import doctest
from types import ModuleType

import pytest

import snapshots.shards
import snapshots.urls


@pytest.mark.parametrize("module", [snapshots.shards, snapshots.urls], ids=lambda module: module.__name__)
def test_examples(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
