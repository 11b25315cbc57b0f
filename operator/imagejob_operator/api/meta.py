"""Types that all objects of the API share: metadata, conditions, references; and the API group."""

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
    """Base of everything read from or written to the API server: immutable, camelCase."""


class Chosen(Resource, frozen=True):
    """The keys of a mapping that the operator uses; all others are discarded.

    The author of an object may store a quarter of a megabyte in them.
    """

    def get(self, key: str, default: str = "") -> str:
        """Return the value, or `default` if it is empty.

        Raises KeyError for a key that isn't declared.
        """
        for field, encoded in zip(
            self.__struct_fields__, self.__struct_encode_fields__, strict=True
        ):
            if encoded == key:
                value: str = getattr(self, field)
                return value or default
        raise KeyError(key)


class Labels(Chosen, frozen=True):
    """Labels that the operator reads. The API server limits a value to 63 characters."""

    job_name: str = msgspec.field(name="batch.kubernetes.io/job-name", default="")
    tenant: str = msgspec.field(name=f"{GROUP}/tenant", default="")
    queue_name: str = msgspec.field(name="kueue.x-k8s.io/queue-name", default="")


MAX_ANNOTATION = 2048
"""Characters that are kept of an annotation: more than the operator uses of any."""


class Annotations(Chosen, frozen=True):
    """Annotations that the operator reads, truncated: the API server limits only their total
    size."""

    requested_by: str = msgspec.field(name=f"{GROUP}/requested-by", default="")
    on_behalf_of: str = msgspec.field(name=f"{GROUP}/on-behalf-of", default="")

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            text = getattr(self, name)
            if len(text) > MAX_ANNOTATION:
                msgspec.structs.force_setattr(self, name, text[:MAX_ANNOTATION])


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


class Owned(Resource, frozen=True):
    """A field that a field manager owns, without what is in it."""


class OwnedSpec(Resource, frozen=True):
    """The fields of a Job's spec by whose owners the operator tells its managers apart."""

    suspend: Owned | None = msgspec.field(name="f:suspend", default=None)
    template: Owned | None = msgspec.field(name="f:template", default=None)


class OwnedFields(Resource, frozen=True):
    """The fields that one field manager owns."""

    spec: OwnedSpec = msgspec.field(name="f:spec", default=OwnedSpec())


class ManagedFields(Resource, frozen=True):
    """An entry of managedFields: a program that wrote the object, and what it owns of it."""

    manager: str = ""
    fields: OwnedFields = msgspec.field(name="fieldsV1", default=OwnedFields())


class ManagedMeta(ObjectMeta, frozen=True):
    """A Job's metadata with the program that suspended or resumed it after its creation, if any."""

    managed_fields: tuple[ManagedFields, ...] = ()

    def __post_init__(self) -> None:
        specs = ((each, each.fields.spec) for each in self.managed_fields)
        later = tuple(each for each, spec in specs if spec.suspend and not spec.template)
        msgspec.structs.force_setattr(self, "managed_fields", later[:1])

    @property
    def suspended_by(self) -> str:
        """The name of that program, for a Job that is suspended."""
        return self.managed_fields[0].manager if self.managed_fields else ""


class OwnerReference(Resource, frozen=True):
    """A reference to the owner of an object."""

    uid: str
    kind: str = ""
    name: str = ""
    controller: bool = False


class PodMeta(ObjectMeta, frozen=True):
    """A pod's metadata with its owners."""

    owner_references: tuple[OwnerReference, ...] = ()


class NameRef(Resource, frozen=True):
    """A reference to an object in the same namespace. No reference has a namespace field."""

    name: str


class Condition(Resource, frozen=True, omit_defaults=False):
    """A standard condition, as kstatus reads it."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    last_transition_time: datetime
    observed_generation: int = 0
