"""How the operator identifies itself."""

from __future__ import annotations

import tomllib

from imagejob_operator.api.version import VERSION
from support.paths import ROOT

PROJECT = ROOT / "pyproject.toml"


def test_it_is_the_project_s() -> None:
    assert tomllib.loads(PROJECT.read_text())["project"]["version"] == VERSION
