"""Applies a CRD's schema as the API server does: defaults, and faults in its words.

It implements only the part of OpenAPI that our CRDs use; a test compares it with the real API
server for every manifest of the tests.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .kinds import Schema

_TYPES: dict[str, type] = {"object": dict, "array": list, "string": str, "boolean": bool}


class Fault(NamedTuple):
    """What is wrong, and with which field: `spec.outputs[0].width`."""

    path: str
    words: str

    def __str__(self) -> str:
        return f"{self.path}: {self.words}" if self.path else self.words


def complete(body: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Return a copy with the schema's defaults. A field that is null counts as missing."""
    properties = schema["properties"]
    given = {name: field for name, field in body.items() if field is not None}
    defaults = {name: field["default"] for name, field in properties.items() if "default" in field}
    return {
        name: _complete(field, properties.get(name, {}))
        for name, field in (defaults | given).items()
    }


def _complete(value: object, schema: Schema) -> object:
    if isinstance(value, dict) and "properties" in schema:
        return complete(value, schema)
    if isinstance(value, list) and "items" in schema:
        return [_complete(item, schema["items"]) for item in value]
    return value


def faults(value: object, schema: Schema, path: str = "") -> Iterator[Fault]:
    """Yield the violations of the schema by a completed value; its CEL rules are in rules.py."""
    if wrong := _type_fault(value, schema):
        yield Fault(path, wrong)
    elif "enum" in schema and value not in schema["enum"]:
        known = ", ".join(f'"{each}"' for each in schema["enum"])
        yield Fault(path, f'Unsupported value: "{value}": supported values: {known}')
    elif isinstance(value, dict):
        yield from _object_faults(value, schema, path)
    elif isinstance(value, list):
        yield from _list_faults(value, schema, path)
    elif isinstance(value, str):
        yield from (Fault(path, words) for words in _text_faults(value, schema))
    elif isinstance(value, int):
        yield from (Fault(path, words) for words in _number_faults(value, schema))


def _type_fault(value: object, schema: Schema) -> str | None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if schema.get("x-kubernetes-int-or-string"):
        fits, wanted = is_integer or isinstance(value, str), "integer,string"
    elif schema["type"] == "integer":
        # The API server takes a fraction for a number of the wrong format.
        wanted = schema["format"] if isinstance(value, float) else "integer"
        fits = is_integer
    else:
        fits, wanted = isinstance(value, _TYPES[schema["type"]]), schema["type"]
    return None if fits else f"must be of type {wanted}, not {_named(value)}"


def _named(value: object) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _object_faults(value: dict[Any, Any], schema: Schema, path: str) -> Iterator[Fault]:
    properties = schema.get("properties")
    if properties is None:
        return
    for name in schema.get("required", ()):
        if name not in value:
            yield Fault(_below(path, name), "Required value")
    for name, field in value.items():
        below = _below(path, name)
        if name in properties:
            yield from faults(field, properties[name], below)
        else:
            near = get_close_matches(str(name), properties, 1)
            hint = f", did you mean {near[0]}?" if near else ""
            yield Fault("", f'unknown field "{below}"{hint}')


def _list_faults(value: list[Any], schema: Schema, path: str) -> Iterator[Fault]:
    if len(value) > schema["maxItems"]:
        yield Fault(path, f"Too many: {len(value)}: must have at most {schema['maxItems']} items")
        return
    if len(value) < schema.get("minItems", 0):
        yield Fault(path, f"should have at least {schema['minItems']} items")
    for index, item in enumerate(value):
        yield from faults(item, schema["items"], f"{path}[{index}]")
    seen: list[Any] = []
    for index, key in enumerate(_key(item, schema) for item in value):
        if key is not None and key in seen:
            yield Fault(f"{path}[{index}]", f"Duplicate value: {key}")
        seen.append(key)


def _key(item: object, schema: Schema) -> object:
    """Return the part of an item that must be unique; None if nothing, or if a part is missing."""
    if schema["x-kubernetes-list-type"] == "set":
        return item
    names = schema.get("x-kubernetes-list-map-keys", ())
    if not names or not isinstance(item, dict) or any(name not in item for name in names):
        return None
    return {name: item[name] for name in names}


def _text_faults(value: str, schema: Schema) -> Iterator[str]:
    try:
        value.encode()
    except UnicodeEncodeError:
        yield "must be Unicode text: it contains an unpaired surrogate"
        return
    if len(value) > schema.get("maxLength", len(value)):
        yield f"Too long: may not be more than {schema['maxLength']} characters"
    if len(value) < schema.get("minLength", 0):
        yield f"should be at least {schema['minLength']} chars long"
    pattern = schema.get("pattern")
    # Go's `$` is the very end; Python's would let a newline follow.
    if pattern and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield f"should match '{pattern}'"


def _number_faults(value: int, schema: Schema) -> Iterator[str]:
    if value > schema.get("maximum", value):
        yield f"should be less than or equal to {schema['maximum']}, not {value}"
    if value < schema.get("minimum", value):
        yield f"should be greater than or equal to {schema['minimum']}, not {value}"


def _below(path: str, name: object) -> str:
    return f"{path}.{name}".lstrip(".")
