"""What every object of the API has: metadata, conditions, references; and this API's group."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

GROUP = "imagejob.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

Quantity: TypeAlias = int | str
"""Bytes, as an integer or with a suffix (`300Ki`); see quantity.to_bytes."""

Manifest: TypeAlias = dict[str, Any]
"""An object as it is sent to the API server."""


class Resource(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Base of all that is read from or written to the API server: immutable, camelCase."""


class Chosen(Resource, frozen=True):
    """Those keys of a mapping that the operator uses: of the others nothing is kept.

    Whoever writes an object may have them hold a quarter of a megabyte.
    """

    def get(self, key: str, default: str = "") -> str:
        """As of a mapping; KeyError for a key that isn't one of those."""
        for field, encoded in zip(
            self.__struct_fields__, self.__struct_encode_fields__, strict=True
        ):
            if encoded == key:
                value: str = getattr(self, field)
                return value or default
        raise KeyError(key)


class Labels(Chosen, frozen=True):
    """The API server takes 63 characters for a value."""

    job_name: str = msgspec.field(name="batch.kubernetes.io/job-name", default="")
    tenant: str = msgspec.field(name=f"{GROUP}/tenant", default="")
    queue_name: str = msgspec.field(name="kueue.x-k8s.io/queue-name", default="")


MAX_ANNOTATION = 2048
"""Characters that are kept of one: more than anybody here makes use of."""


class Annotations(Chosen, frozen=True):
    """Of any length, so they are cut."""

    requested_by: str = msgspec.field(name=f"{GROUP}/requested-by", default="")

    def __post_init__(self) -> None:
        if len(self.requested_by) > MAX_ANNOTATION:
            msgspec.structs.force_setattr(self, "requested_by", self.requested_by[:MAX_ANNOTATION])


class ObjectMeta(Resource, frozen=True):
    """The part of every object's metadata that the operator uses."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: Labels = Labels()
    annotations: Annotations = Annotations()


class NameRef(Resource, frozen=True):
    """An object of the same namespace. No reference anywhere has a namespace field."""

    name: str


class Condition(Resource, frozen=True, omit_defaults=False):
    """A standard condition, as kstatus reads it."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    last_transition_time: datetime
    observed_generation: int = 0
