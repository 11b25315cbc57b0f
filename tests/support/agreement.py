"""Whether a msgspec Struct and the schema of a CRD define the same fields.

Both are converted to one form, `{path: Facts}`, and compared. Only the API server checks patterns
and lengths of text: Python reads validated objects, so Structs don't repeat them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

if TYPE_CHECKING:
    from support.apischema import Schema


class Facts(msgspec.Struct, frozen=True):
    """The compared properties of a field."""

    type: str
    required: bool = False
    default: Any = None
    enum: frozenset[str] | None = None
    minimum: int | None = None
    maximum: int | None = None


OURS = frozenset({"default", "enum", "minimum", "maximum"})
"""What a Struct that only we write may leave to the schema."""


def differences(
    struct: type[msgspec.Struct], schema: Schema, *, written_by_us: bool = False
) -> list[str]:
    """One line for each field that is on one side only, or differs."""
    python, crd = facts_of_struct(struct), facts_of_schema(schema)
    found = [f"{path}: only in Python" for path in sorted(python.keys() - crd.keys())]
    found += [f"{path}: only in the CRD" for path in sorted(crd.keys() - python.keys())]
    for path in sorted(python.keys() & crd.keys()):
        for name in Facts.__struct_fields__:
            mine, theirs = getattr(python[path], name), getattr(crd[path], name)
            left_out = written_by_us and name in OURS and not (mine and theirs)
            if mine != theirs and not left_out:
                verb = "is" if name == "type" else f"has {name}"
                found.append(f"{path}: {verb} {_show(mine)} in Python, {_show(theirs)} in the CRD")
    return found


def facts_of_schema(schema: Schema, path: str = "") -> dict[str, Facts]:
    """The facts of a structural OpenAPI schema, as CRDs have it."""
    facts: dict[str, Facts] = {}
    for name, field in schema.get("properties", {}).items():
        below = f"{path}.{name}".lstrip(".")
        is_quantity = field.get("x-kubernetes-int-or-string", False)
        facts[below] = Facts(
            type=_type_in_schema(field),
            required=name in schema.get("required", []),
            default=field.get("default"),
            enum=frozenset(field["enum"]) if "enum" in field else None,
            # Bounds of a quantity apply to integers only: there is nothing to compare them with.
            minimum=None if is_quantity else field.get("minimum"),
            maximum=None if is_quantity else field.get("maximum"),
        )
        facts |= facts_of_schema(field, below)
    if "items" in schema:
        items = schema["items"]
        enum = frozenset(items["enum"]) if "enum" in items else None
        facts[f"{path}[]"] = Facts(_type_in_schema(items), enum=enum)
        facts |= facts_of_schema(items, f"{path}[]")
    return facts


def _type_in_schema(field: Schema) -> str:
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    return "date-time" if field.get("format") == "date-time" else str(field["type"])


def facts_of_struct(struct: type[msgspec.Struct]) -> dict[str, Facts]:
    """The facts of the types that msgspec sees, under their JSON names."""
    return _facts_below(inspect.type_info(struct), "")


def _facts_below(kind: inspect.Type, path: str) -> dict[str, Facts]:
    facts: dict[str, Facts] = {}
    match kind:
        case inspect.StructType(fields=fields):
            for field in fields:
                below = f"{path}.{field.encode_name}".lstrip(".")
                inner = _without_none(field.type)
                facts[below] = _facts(inner, required=field.required, default=_default(field))
                facts |= _facts_below(inner, below)
        case inspect.VarTupleType(item_type=item):
            facts[f"{path}[]"] = _facts(item)
            facts |= _facts_below(item, f"{path}[]")
    return facts


def _facts(kind: inspect.Type, *, required: bool = False, default: Any = None) -> Facts:
    match kind:
        case inspect.LiteralType(values=values):
            return Facts("string", required, default, enum=frozenset(map(str, values)))
        case inspect.IntType(ge=least, le=most):
            return Facts("integer", required, default, minimum=least, maximum=most)
        case inspect.UnionType(types=types):
            return Facts(" or ".join(sorted(_NAMES[type(each)] for each in types)), required)
        case _:
            return Facts(_NAMES[type(kind)], required, default)


_NAMES: dict[type[inspect.Type], str] = {
    inspect.BoolType: "boolean",
    inspect.DateTimeType: "date-time",
    inspect.IntType: "integer",
    inspect.StrType: "string",
    inspect.StructType: "object",
    inspect.VarTupleType: "array",
}


def _without_none(kind: inspect.Type) -> inspect.Type:
    """The `X` of `X | None`, which is Python's notation for optional."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    rest = tuple(each for each in kind.types if not isinstance(each, inspect.NoneType))
    return rest[0] if len(rest) == 1 else inspect.UnionType(rest)


def _default(field: inspect.Field) -> Any:
    """None for an empty tuple: an absent list is decoded as that."""
    return None if field.default in (msgspec.NODEFAULT, ()) else field.default


def _show(value: Any) -> str:
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
