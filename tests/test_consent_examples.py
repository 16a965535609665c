"""The examples in the docstrings of this room run."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import consent


def test_examples_in_docstrings_are_true() -> None:
    names = sorted(
        path.stem for path in Path(str(consent.__file__)).parent.glob("*.py") if path.stem != "__init__"
    )
    results = [doctest.testmod(importlib.import_module(f"consent.{name}")) for name in names]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 5
