"""What a field may hold, in words: its type, its default, its bounds and its rules."""

from __future__ import annotations

import json
from typing import Any

Schema = dict[str, Any]

UNBOUNDED = 2**31 - 1
"""An upper bound from here on only keeps a number within its type."""


def type_of(field: Schema) -> str:
    """`list of objects`, `string (date-time)`, `integer or string`."""
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    kind: str = field["type"]
    if kind == "array":
        of = type_of(field["items"])
        return f"list of {of if of.endswith(')') else of + 's'}"
    if field.get("format") in {"date-time", "duration"}:
        return f"{kind} ({field['format']})"
    return kind


def default_of(field: Schema, *, required: bool) -> str:
    """The default as one writes it in YAML; *required* where there must be a value."""
    if "default" in field:
        return code(json.dumps(field["default"]).strip('"'))
    return "*required*" if required else ""


def bounds_of(field: Schema) -> str:
    """All bounds of a field, and of the items of a list of plain values."""
    parts = [*_choices(field), *_range(field), *_length(field), *_pattern(field), *_items(field)]
    if field.get("type") == "array" and field["items"].get("type") != "object":
        each = bounds_of(field["items"])
        parts += [f"each {each}"] if each else []
    return "; ".join(parts)


def code(text: str) -> str:
    """As code within a table, where a bar would end the cell, and brackets could make a link."""
    if "|" not in text:
        return f"`{text}`"
    safe = "".join(each if each.isalnum() else f"&#{ord(each)};" for each in text)
    return f"<code>{safe}</code>"


def _choices(field: Schema) -> list[str]:
    return [", ".join(code(str(choice)) for choice in field["enum"])] if "enum" in field else []


def _range(field: Schema) -> list[str]:
    return _between(field.get("minimum"), field.get("maximum"), "")


def _length(field: Schema) -> list[str]:
    if "pattern" in field and field.get("minLength") == field.get("maxLength") is not None:
        return [f"{field['maxLength']:,} characters"]
    return _between(field.get("minLength"), field.get("maxLength"), " characters")


def _pattern(field: Schema) -> list[str]:
    return [code(field["pattern"])] if "pattern" in field else []


def _items(field: Schema) -> list[str]:
    parts = _between(field.get("minItems"), field.get("maxItems"), " items")
    keys = field.get("x-kubernetes-list-map-keys")
    if keys:
        parts.append(f"no two with the same {' and '.join(code(key) for key in keys)}")
    if field.get("x-kubernetes-list-type") == "set":
        parts.append("none twice")
    return parts


def _between(least: int | None, most: int | None, unit: str) -> list[str]:
    if most is not None and most >= UNBOUNDED:
        most = None
    match least, most:
        case None, None:
            return []
        case None, int():
            return [f"at most {most:,}{unit}"]
        case int(), None:
            return [f"at least {least:,}{unit}"]
        case _:
            return [f"{least:,} to {most:,}{unit}"]
