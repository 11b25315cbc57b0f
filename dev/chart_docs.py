"""Write what the values.yaml of each chart says of each value to where people look for it.

python dev/chart_docs.py [--check]

Into the table of the chart's README.md, and into the descriptions of values.schema.json, which
editors show. The comments are in the format of helm-docs:

    # -- What it means, on as many lines as it takes
    # @default -- instead of the default as it stands
    name: default

A value with such a comment has a row; what is below it needs none, and may have some. Others are
an error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CHARTS = sorted((Path(__file__).resolve().parents[1] / "charts").iterdir())
BEGIN, END = "<!-- values: made by dev/chart_docs.py -->\n", "<!-- end of values -->\n"
DESCRIBES, INSTEAD = "# -- ", "# @default -- "
KINDS = {
    "str": "string",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "seq": "list",
    "map": "object",
}


class Value(NamedTuple):
    """One row: the path below the root, such as worker.cpu."""

    path: tuple[str, ...]
    kind: str
    default: str
    description: str


class Comment(NamedTuple):
    description: str
    default: str


def main() -> int:
    """0 when all is written or current, 1 when something is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args().check
    stale = [file for file, text in documents().items() if file.read_text() != text]
    for file in stale:
        if check:
            sys.stderr.write(f"{file} is stale: `make generate`\n")
        else:
            file.write_text(documents()[file])
    return int(check and bool(stale))


def documents() -> dict[Path, str]:
    """The files, as they are to be."""
    return {file: text for chart in CHARTS for file, text in _documents_of(chart).items()}


def _documents_of(chart: Path) -> dict[Path, str]:
    values = read((chart / "values.yaml").read_text())
    readme, schema = chart / "README.md", chart / "values.schema.json"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    described = describe(json.loads(schema.read_text()), values)
    return {
        readme: before + BEGIN + table(values) + END + after,
        schema: json.dumps(described, indent=2, ensure_ascii=False) + "\n",
    }


def read(text: str) -> list[Value]:
    """The values of a values.yaml, in its order. LookupError for one that is not described."""
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode)  # noqa: S101 (tells mypy; Helm takes no other)
    return list(_read(root, text.splitlines(), ()))


def _read(
    node: yaml.MappingNode, lines: list[str], above: tuple[str, ...], *, covered: bool = False
) -> Iterator[Value]:
    for key, value in node.value:
        path = (*above, key.value)
        comment = _comment(lines, key.start_mark.line)
        nested = isinstance(value, yaml.MappingNode) and bool(value.value)
        if comment:
            kind = KINDS[value.tag.rpartition(":")[2]]
            default = "" if nested and _has_comments(value, lines) else _default(value)
            yield Value(path, kind, comment.default or default, comment.description)
        elif not (nested or covered):
            raise LookupError(f"values.yaml: {'.'.join(path)} has no comment")
        if nested:
            yield from _read(value, lines, path, covered=covered or bool(comment))


def _comment(lines: list[str], line: int) -> Comment | None:
    """The comment right above a line, if it describes a value."""
    first = line
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    block = [each.strip() for each in lines[first:line]]
    starts = [number for number, each in enumerate(block) if each.startswith(DESCRIBES)]
    if not starts:
        return None
    texts = [each for each in block[starts[0] :] if not each.startswith(INSTEAD)]
    instead = [each.removeprefix(INSTEAD) for each in block if each.startswith(INSTEAD)]
    words = [texts[0].removeprefix(DESCRIBES), *(each.removeprefix("# ") for each in texts[1:])]
    return Comment(" ".join(words), "".join(instead))


def _has_comments(node: yaml.MappingNode, lines: list[str]) -> bool:
    return any(_comment(lines, key.start_mark.line) for key, _ in node.value)


def _default(node: yaml.Node) -> str:
    return f"`{json.dumps(yaml.safe_load(yaml.serialize(node)), ensure_ascii=False)}`"


def table(values: list[Value]) -> str:
    """As helm-docs has it: key, type, default, description."""
    rows = [
        f"| {'.'.join(value.path)} | {value.kind} | {_cell(value.default)} "
        f"| {_cell(value.description)} |"
        for value in values
    ]
    head = ["| Key | Type | Default | Description |", "|-----|------|---------|-------------|"]
    return "\n".join(["", *head, *rows, "", ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def describe(schema: dict[str, Any], values: list[Value]) -> dict[str, Any]:
    """The schema with the values' descriptions. LookupError for a value that it lacks."""
    schema = _without_descriptions(schema)
    for value in values:
        parent = _below(schema, value.path[:-1], schema)
        properties = parent["properties"]
        if value.path[-1] not in properties:
            raise LookupError(f"values.schema.json lacks {'.'.join(value.path)}")
        field = properties[value.path[-1]]
        if _is_shared(parent, schema):
            continue
        properties[value.path[-1]] = {"description": value.description, **field}
    return schema


def _without_descriptions(node: Any) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(node, list):
        return [_without_descriptions(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _without_descriptions(each)
        for name, each in node.items()
        if not (name == "description" and isinstance(each, str))
    }


def _below(node: dict[str, Any], path: tuple[str, ...], root: dict[str, Any]) -> dict[str, Any]:
    for name in path:
        field = node["properties"][name]
        node = root["definitions"][field["$ref"].rpartition("/")[2]] if "$ref" in field else field
    return node


def _is_shared(node: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether it serves several values, of which each has a description of its own."""
    return any(node is each for each in root["definitions"].values())


if __name__ == "__main__":
    sys.exit(main())
