"""The CRDs in crds/ as data, and a walk through their schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = ROOT / "crds"
NAMES = ("imagejobs", "imageprofiles", "imagestores", "imagequotas")

Schema: TypeAlias = dict[str, Any]


def text(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text()


def crd(name: str) -> Schema:
    """The whole CustomResourceDefinition."""
    loaded: Schema = yaml.safe_load(text(name))
    return loaded


def version(name: str) -> Schema:
    """Its only version."""
    (only,) = crd(name)["spec"]["versions"]
    found: Schema = only
    return found


def schema(name: str, *path: str) -> Schema:
    """Of a field, as `schema("imagejobs", "spec", "source")`; without a path, of the kind."""
    found: Schema = version(name)["schema"]["openAPIV3Schema"]
    for field in path:
        found = found["properties"][field]
    return found


def fields(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every field below, including items of lists: `("spec.outputs[].name", …)`."""
    for name, field in schema.get("properties", {}).items():
        below = f"{path}.{name}".lstrip(".")
        yield below, field
        yield from fields(field, below)
    if "items" in schema:
        yield f"{path}[]", schema["items"]
        yield from fields(schema["items"], f"{path}[]")
