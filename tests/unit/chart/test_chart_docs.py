"""The generator of the chart's table of values, and whether its output is up to date."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from imagejob_dev.client import CHART, CRDS, REPOSITORY


@pytest.fixture(scope="module")
def chart_docs() -> ModuleType:
    """dev/chart_docs.py, which belongs to no package."""
    file = REPOSITORY / "dev" / "chart_docs.py"
    found = importlib.util.spec_from_file_location("chart_docs", file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


VALUES = """\
# What is above no value describes none.

# Neither does what is not marked, such as this of
# two lines
worker:
  # -- How many | at most,
  # on two lines
  count: 3
  # A remark. The description follows:
  # -- Where
  # @default -- anywhere
  where: []
# -- All of it
resources:
  requests: {cpu: 1}
"""


def test_a_value_is_described_by_the_comment_above_it(chart_docs: ModuleType) -> None:
    rows = chart_docs.table(chart_docs.read(VALUES)).strip().splitlines()

    assert rows[2:] == [
        "| worker.count | int | `3` | How many \\| at most, on two lines |",
        "| worker.where | list | anywhere | Where |",
        '| resources | object | `{"requests": {"cpu": 1}}` | All of it |',
    ]


def test_a_value_without_a_description_is_an_error(chart_docs: ModuleType) -> None:
    with pytest.raises(LookupError, match=r"a\.b has no comment"):
        chart_docs.read("a:\n  # Not marked\n  b: 1\n")


def test_a_value_that_the_schema_lacks_is_an_error(chart_docs: ModuleType) -> None:
    values = chart_docs.read("# -- One\na: 1\n")

    with pytest.raises(LookupError, match=r"values\.schema\.json lacks a"):
        chart_docs.describe({"properties": {}, "definitions": {}}, values)


def test_what_was_described_and_is_not_any_more_loses_its_description(
    chart_docs: ModuleType,
) -> None:
    schema = {"properties": {"a": {"description": "Old"}}, "definitions": {}}

    assert chart_docs.describe(schema, []) == {"properties": {"a": {}}, "definitions": {}}


def test_readme_and_schema_say_what_the_values_say(chart_docs: ModuleType) -> None:
    stale = [file.name for file, text in chart_docs.documents().items() if file.read_text() != text]

    assert stale == []


def test_the_schema_knows_the_values_and_no_others() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    of_a_parent_chart = {"global", "enabled"}
    known = {path for path in paths(schema, schema) if not path.startswith(FREE)}
    assert known - of_a_parent_chart == {path for path in keys(values) if not path.startswith(FREE)}


def paths(node: dict[str, Any], root: dict[str, Any], above: str = "") -> list[str]:
    """The paths of a schema's properties."""
    if "$ref" in node:
        node = root["definitions"][node["$ref"].rpartition("/")[2]]
    below = node.get("properties", {})
    assert not below or node.get("additionalProperties") is False, above
    nested = [paths(each, root, f"{above}{name}.") for name, each in below.items()]
    return [*(f"{above}{name}" for name in below), *(path for each in nested for path in each)]


FREE = ("resources.", "affinity.", "metrics.dashboard.labels.")
"""Values below these are examples: the schema defines what else there can be."""


def keys(values: dict[str, Any], above: str = "") -> list[str]:
    """The paths of values and of the objects that contain them."""
    found = [f"{above}{name}" for name in values]
    for name, value in values.items():
        if isinstance(value, dict):
            found += keys(value, f"{above}{name}.")
    return found


def test_the_chart_has_this_version_and_lists_every_kind() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = (REPOSITORY / "pyproject.toml").read_text()
    told = yaml.safe_load(chart["annotations"]["artifacthub.io/crds"])

    kinds = [
        yaml.safe_load(file.read_text())["spec"]["names"]["kind"] for file in CRDS.glob("*.yaml")
    ]
    assert f'version = "{chart["appVersion"]}"' in project
    assert sorted(each["kind"] for each in told) == sorted(kinds)


def test_the_crds_are_a_link_and_no_copy() -> None:
    assert (CHART / "files" / "crds").is_symlink()
    assert (CHART / "files" / "crds").resolve() == Path(CRDS).resolve()
