"""A folder to run `imagejob` in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.imagejob_run import Desk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
