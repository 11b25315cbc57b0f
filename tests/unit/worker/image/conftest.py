"""Fixtures of the pipeline's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.pictures import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A folder to run the pipeline in."""
    return Bench(tmp_path)
