"""The CRDs of crds/, which are part of this package: the schemas for manifests."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import yaml
from imagejob_operator.api.meta import VERSION

Schema: TypeAlias = dict[str, Any]

KINDS = {
    "ImageJob": "imagejobs",
    "ImageProfile": "imageprofiles",
    "ImageStore": "imagestores",
    "ImageQuota": "imagequotas",
}


@cache
def schema(kind: str) -> Schema:
    """Return the OpenAPI schema of a kind. It is read on first use, as reading takes a while."""
    text = files(__package__).joinpath("crds", f"{KINDS[kind]}.yaml").read_bytes()
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    crd = yaml.load(text, loader)  # noqa: S506 (both are safe)
    found: Schema = next(
        version["schema"]["openAPIV3Schema"]
        for version in crd["spec"]["versions"]
        if version["name"] == VERSION
    )
    return found
