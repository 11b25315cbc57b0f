"""Validates a document as the API server would, and converts it to an object."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.api.meta import API_VERSION, GROUP

from .kinds import KINDS, schema
from .rules import broken
from .schema import Fault, complete, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

Body: TypeAlias = dict[str, Any]
Thing: TypeAlias = ImageJob | ImageProfile | ImageStore

STRUCTS: dict[str, type[Thing]] = {
    "ImageJob": ImageJob,
    "ImageProfile": ImageProfile,
    "ImageStore": ImageStore,
}

_UIDS = uuid.uuid5(uuid.NAMESPACE_DNS, GROUP)
_NAMES = {
    "name": (253, r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"),
    "namespace": (63, r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"),
}
"""Maximum lengths and patterns of names (RFC 1123)."""


class _Texts(msgspec.Struct):
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class _Stated(msgspec.Struct):
    metadata: _Texts


class RefusedError(Exception):
    """The API server would reject the document."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults


def is_ours(body: Body) -> bool:
    """Whether it is an object of our API group, of any version or kind."""
    return str(body.get("apiVersion")).split("/")[0] == GROUP


def title(body: Body) -> str:
    """Return `ImageJob cat`, as far as it is known."""
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return " ".join(str(each) for each in (body.get("kind"), name) if each)


def admit(body: Body, namespace: str) -> Thing | None:
    """Return the object that a body describes, as the API server would store it.

    `namespace` is for a body without one. An ImageQuota is validated, but not used. Raises
    RefusedError.
    """
    kind = body.get("kind")
    if body.get("apiVersion") != API_VERSION:
        wrong = f'Unsupported value: "{body.get("apiVersion")}": supported values: "{API_VERSION}"'
        raise RefusedError(Fault("apiVersion", wrong))
    if kind not in KINDS:
        known = ", ".join(f'"{each}"' for each in KINDS)
        raise RefusedError(Fault("kind", f'Unsupported value: "{kind}": supported values: {known}'))
    whole = {"metadata": {}, **complete(body, schema(kind))}
    _refuse(*_metadata_faults(whole["metadata"]), *faults(whole, schema(kind)))
    _refuse(*broken(whole, schema(kind)))
    return _object(kind, whole, namespace) if kind in STRUCTS else None


def _refuse(*found: Fault) -> None:
    if found:
        raise RefusedError(*found)


def _metadata_faults(metadata: object) -> Iterator[Fault]:
    if not isinstance(metadata, dict):
        return  # the schema reports it
    if "name" not in metadata:
        yield Fault("metadata.name", "Required value")
    for field, (length, pattern) in _NAMES.items():
        value = metadata.get(field, "x")
        if not isinstance(value, str):
            yield Fault(f"metadata.{field}", "must be of type string")
        elif len(value) > length or not re.fullmatch(pattern, value):
            dots = " and ." if field == "name" else ""
            words = (
                f"must be at most {length} lower-case letters, digits, -{dots}, "
                "with a letter or digit at both ends"
            )
            yield Fault(f"metadata.{field}", words)


def _object(kind: str, body: Body, namespace: str) -> Thing:
    given = body["metadata"]
    name, namespace = given["name"], given.get("namespace", namespace)
    metadata = {
        **{field: given[field] for field in ("labels", "annotations") if given.get(field)},
        "name": name,
        "namespace": namespace,
        "uid": str(uuid.uuid5(_UIDS, f"{kind}/{namespace}/{name}")),
        "generation": 1,
    }
    try:
        # The operator's own types ignore what it doesn't use.
        msgspec.convert({"metadata": metadata}, _Stated)
        # Without the status: the API server ignores it when an object is created.
        return msgspec.convert({"metadata": metadata, "spec": body["spec"]}, STRUCTS[kind])
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at `$.")
        raise RefusedError(Fault(path.rstrip("`"), words)) from error
