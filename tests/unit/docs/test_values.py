"""Every chart value that a page mentions exists in the chart, the operator's or the gateway's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.paths import ROOT

VALUES = [
    yaml.safe_load(file.read_text()) for file in sorted((ROOT / "charts").glob("*/values.yaml"))
]
PAGES = sorted({*(ROOT / "docs").glob("*.md")} - {ROOT / "docs/audit.md"})
"""All except the one that lists the fields of an audit line."""
SET = re.compile(r"--set(?:-string)? ([^\n\\]+)")
NAMED = re.compile(r"`([a-z][A-Za-z]+(?:\.[A-Za-z]+)+)(?::[^`]*)?`")
OURS = {"limits", "metadata", "spec", "status"}
"""Fields of an ImageJob, too: it has `limits.maxPixels`, as the chart has."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_chart_has_every_value_that_the_page_names(page: Path) -> None:
    assert [name for name in named(page.read_text()) if not is_there(name)] == []


def named(text: str) -> Iterator[str]:
    for settings in SET.findall(text):
        yield from re.findall(r"(?:^|,)\s*([\w.]+)=", settings)
    for name in NAMED.findall(text):
        top = name.partition(".")[0]
        if (
            any(top in values for values in VALUES)
            and top not in OURS
            and not name.endswith(".yaml")
        ):
            yield name


def is_there(name: str) -> bool:
    return any(is_in(values, name) for values in VALUES)


def is_in(found: Any, name: str) -> bool:
    for part in name.split("."):
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True
