"""What the operator says it is."""

from __future__ import annotations

import tomllib
from pathlib import Path

from imagejob_operator.api.version import VERSION

PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"


def test_it_is_the_project_s() -> None:
    assert tomllib.loads(PROJECT.read_text())["project"]["version"] == VERSION
