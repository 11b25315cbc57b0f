"""Texts meant to be more than texts, in every field that takes text."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from support.paths import ROOT
from support.tenant import Body, image_job, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

CRDS = ROOT / "crds"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
Path_ = tuple[str | int, ...]

TEXTS = {
    "expansion by the kubelet": "$(AWS_SECRET_ACCESS_KEY)",
    "expansion by a shell or a template": "`id`;${IFS}$HOME|{{ .Values.image }}%(x)s",
    "the end of a JSON string": '"}],"hostNetwork":true,"x":[{"y":"',
    "the end of a YAML string": "' #\"}]: &a [*a], hostNetwork: true",
    "an option": "--image=evil",
}

_output: Body = {"name": "thumb", "width": 64, "height": 64, "fit": "cover", "gravity": "center"}
_output |= {
    "format": "jpeg",
    "background": "#ffffff",
    "maxBytes": "1Mi",
    "cacheControl": "no-store",
}
_recipe: Body = {
    "outputs": [_output],
    "metadata": {"keep": ["icc"]},
    "limits": {"maxBytes": "1Mi", "damage": "Refuse"},
}
_s3 = {"endpoint": "https://s3.test", "region": "r", "bucket": "team-a", "prefix": "a"}
_secret = {"secretRef": {"name": "uploads-s3"}}
_account = {"serviceAccountName": "default", "roleArn": "arn:aws:iam::1:role/x"}

FULL: dict[str, Body] = {
    "ImageJob": image_job(
        **_recipe, destination={"storeRef": {"name": "uploads"}, "prefix": "out"}, sha256="0" * 64
    ),
    "ImageJob with a profile": image_job(profileRef={"name": "web"}),
    "ImageProfile": ours("ImageProfile", "web", _recipe),
    "ImageStore with a Secret": ours(
        "ImageStore", "uploads", {"s3": {**_s3, "caBundle": PEM, "credentials": _secret}}
    ),
    "ImageStore with an account": ours(
        "ImageStore", "uploads", {"s3": {**_s3, "credentials": _account}}
    ),
    "ImageStore on a volume": ours(
        "ImageStore", "uploads", {"volume": {"claimName": "images", "subPath": "a"}}
    ),
}
"""Together they have every text field that a tenant may write; each is accepted as it is."""


class Smuggled(NamedTuple):
    """An object of FULL, one of its fields, and the text in it: one of TEXTS, by name, at least."""

    example: str
    field: Path_
    name: str
    text: str

    def body(self) -> Body:
        body = copy.deepcopy(FULL[self.example])
        at: Any = body["spec"]
        for step in self.field[:-1]:
            at = at[step]
        at[self.field[-1]] = self.text
        return body


def attempts() -> Iterator[Smuggled]:
    """Each text in each field, alone and after the legitimate value."""
    for example, body in FULL.items():
        for field, before in _texts(body["spec"]):
            for name, text in TEXTS.items():
                yield Smuggled(example, field, name, text)
                yield Smuggled(example, field, name, before + text)


def _texts(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(inner, (*path, step))


def fields_of_text(kind: str) -> set[str]:
    """The fields of the CRD's spec, without indices: `outputs.name`."""
    text = (CRDS / f"{kind.lower()}s.yaml").read_text()
    schema = yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return set(_fields(schema["properties"]["spec"]))


def _fields(schema: Body, path: str = "") -> Iterator[str]:
    if schema.get("type") == "string" or schema.get("x-kubernetes-int-or-string"):
        yield path.removeprefix(".")
    if "items" in schema:
        yield from _fields(schema["items"], path)
    for name, inner in schema.get("properties", {}).items():
        yield from _fields(inner, f"{path}.{name}")


def fields_tried(kind: str) -> set[str]:
    """The same, of FULL."""
    return {
        ".".join(step for step in path if isinstance(step, str))
        for body in FULL.values()
        if body["kind"] == kind
        for path, _ in _texts(body["spec"])
    }
