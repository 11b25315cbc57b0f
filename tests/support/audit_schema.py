"""The audit log's format, from docs/audit.schema.json."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = ROOT / "docs/audit.schema.json"


@cache
def schema() -> dict[str, Any]:
    """The parsed file."""
    parsed: dict[str, Any] = json.loads(SCHEMA.read_text())
    return parsed


@cache
def _validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(schema())
    return Draft202012Validator(schema())


def complaints(line: bytes | str) -> list[str]:
    """What is wrong with a line of the audit log, and where; empty if nothing is."""
    return complaints_about(json.loads(line))


def complaints_about(told: object) -> list[str]:
    """The same for a parsed line."""
    errors = sorted(_validator().iter_errors(told), key=lambda error: list(map(str, error.path)))
    return [f"{error.json_path}: {error.message}" for error in errors]


def fields(
    part: dict[str, Any] | None = None, path: str = "", *, always: bool = True
) -> Iterator[tuple[str, tuple[str, str]]]:
    """(path, (when it is present, what it means)) of every field of the schema."""
    part = part or schema()
    for name, field in part.get("properties", {}).items():
        there = always and name in part["required"]
        below = f"{path}.{name}".lstrip(".")
        yield below, ("always" if there else "sometimes", field["description"])
        yield from fields(field, below, always=there)
        yield from fields(field.get("items", {"type": "string"}), f"{below}[]", always=False)


def paths_in(told: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every field of a line, in the same form."""
    for name, value in told.items():
        below = f"{path}.{name}".lstrip(".")
        yield below
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                yield from paths_in(each, f"{below}[]" if isinstance(value, list) else below)
