"""CRDs of a version that doesn't exist yet: they take values that this checkout's operator doesn't.

A field may have any value of its type, and there may be more fields.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from imagejob_dev.client import CRDS

from support.tenant import ours

if TYPE_CHECKING:
    from imagejob_dev.client import Client

    from support.tenant import Body, Tenant

CHECKS = (
    *("enum", "pattern", "minimum", "maximum", "minLength", "maxLength"),
    *("minItems", "maxItems", "x-kubernetes-validations"),
)

NEWER = {
    "imageprofiles": ours("ImageProfile", "newer", {"outputs": [{"name": "o", "fit": "circle"}]}),
    "imagestores": ours("ImageStore", "newer", {"tape": {"reel": 7}}),
    "imagequotas": ours(
        "ImageQuota", "default", {"limits": [{"jobs": 9, "per": "1h"}], "onExceeded": "Borrow"}
    ),
    "imagejobs": ours(
        "ImageJob",
        "newer",
        {
            "source": {"storeRef": {"name": "uploads"}, "key": "incoming/cat.jpg"},
            "outputs": [{"name": "o", "format": "jxl"}],
        },
    ),
}
"""An object of each kind, by the kind's plural, that only the newer version knows."""

MENDS: dict[str, Body] = {
    "imageprofiles": {"spec": {"outputs": [{"name": "o"}]}},
    "imagestores": {"spec": {"tape": None, "volume": {"claimName": "none"}}},
    "imagequotas": {"spec": {"onExceeded": "Wait"}},
    "imagejobs": {"spec": {"outputs": [{"name": "o", "format": "webp"}]}},
}
"""Merge patches after which this checkout's operator can read them."""


def install(cluster: Client) -> None:
    """In place of the CRDs of this checkout."""
    for path in sorted(CRDS.glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())
        for version in crd["spec"]["versions"]:
            loosen(version["schema"]["openAPIV3Schema"])
        text = json.dumps(crd)
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)


def loosen(schema: dict[str, Any]) -> None:
    """Remove what restricts a value of its type, at any depth."""
    for check in CHECKS:
        schema.pop(check, None)
    properties = schema.get("properties", {})
    for inner in (*properties.values(), *([schema["items"]] if "items" in schema else ())):
        loosen(inner)
    if properties:
        schema["x-kubernetes-preserve-unknown-fields"] = True


def mend(team: Tenant, plural: str) -> None:
    """Have the object as this checkout's operator knows it."""
    path = f"{team.path(plural)}/{NEWER[plural]['metadata']['name']}"
    team.cluster.rest.send("PATCH", path, MENDS[plural], "merge").json()
