"""ImageJob of imagejob.dev/v1alpha1, as the operator reads it.

The CRDs in crds/ are the API's source of truth; a test compares these Structs with them, field by
field. The API server has validated each object, so only types are checked here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from .meta import Condition, NameRef, ObjectMeta, Quantity, Resource
from .reasons import Reason

Phase = Literal["Pending", "Throttled", "Queued", "Running", "Succeeded", "Failed"]
FINISHED: frozenset[Phase] = frozenset({"Succeeded", "Failed"})

Fit = Literal["inside", "cover", "contain", "fill"]
Gravity = Literal[
    "center", "north", "south", "east", "west",
    "northeast", "northwest", "southeast", "southwest", "smart",
]  # fmt: skip
OutputFormat = Literal["jpeg", "png", "webp", "avif", "auto"]
WrittenFormat = Literal["jpeg", "png", "webp", "avif"]
SourceFormat = Literal["jpeg", "png", "webp", "avif", "gif", "tiff"]
Keepable = Literal["icc"]
Damage = Literal["Refuse", "Note"]

Side = Annotated[int, Meta(ge=1, le=16383)]


class Source(Resource, frozen=True):
    """The uploaded object. With `sha256` (hex), no other content is accepted."""

    store_ref: NameRef
    key: str
    sha256: str | None = None


class Destination(Resource, frozen=True):
    """Where outputs go. Default: the source's store, `derived/<ImageJob name>`."""

    store_ref: NameRef | None = None
    prefix: str | None = None


class Output(Resource, frozen=True):
    """One output file. Sides are in pixels."""

    name: str
    width: Side | None = None
    height: Side | None = None
    fit: Fit = "inside"
    gravity: Gravity = "center"
    enlarge: bool = False
    format: OutputFormat = "auto"
    quality: Annotated[int, Meta(ge=1, le=100)] | None = None
    lossless: bool = False
    max_bytes: Quantity | None = None
    progressive: bool = False
    animated: bool = False
    background: str | None = None
    cache_control: str | None = None


class Metadata(Resource, frozen=True):
    """The kinds of source metadata that outputs keep; all others are removed."""

    keep: tuple[Keepable, ...] = ()


class Limits(Resource, frozen=True):
    """The largest source to accept, and whether a damaged one.

    Each number may only lower the platform's limit.
    """

    max_bytes: Quantity | None = None
    max_pixels: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    max_frames: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    damage: Damage = "Refuse"


class ImageJobSpec(Resource, frozen=True):
    """One upload: what to read, which outputs to make, and where to store them."""

    source: Source
    destination: Destination | None = None
    profile_ref: NameRef | None = None
    outputs: tuple[Output, ...] = ()
    metadata: Metadata | None = None
    limits: Limits | None = None
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0
    suspend: bool = False
    retries: Annotated[int, Meta(ge=0, le=10)] = 3
    timeout_seconds: Annotated[int, Meta(ge=1, le=3600)] = 120
    ttl_seconds_after_finished: Annotated[int, Meta(ge=0, le=31_536_000)] | None = None


class Queue(Resource, frozen=True):
    """The position of a waiting ImageJob, and when it continues if nothing else changes."""

    position: int | None = None
    eligible_at: datetime | None = None


class LastFailure(Resource, frozen=True):
    """The latest failed attempt; `worker` is the name of its Job."""

    attempt: int
    reason: str
    message: str
    time: datetime
    worker: str


class ResolvedProfile(Resource, frozen=True):
    """The ImageProfile as it was at dispatch."""

    name: str
    generation: int
    digest: str


class StorePlace(Resource, frozen=True):
    """Where an ImageStore led when the ImageJob was dispatched: a bucket, or a claim."""

    generation: int | None = None
    endpoint: str | None = None
    bucket: str | None = None
    prefix: str | None = None
    claim_name: str | None = None
    sub_path: str | None = None


class StoreStatus(StorePlace, frozen=True, kw_only=True):
    """An ImageStore as it was when the ImageJob was dispatched."""

    name: str


class WorkerStatus(Resource, frozen=True):
    """The worker Job that has, or had, this ImageJob."""

    job: str
    pod: str | None = None
    node: str | None = None


class SourceStatus(Resource, frozen=True):
    """Properties of the source as the worker found them. Sides as displayed, in pixels."""

    sha256: str | None = None
    bytes: int | None = None
    format: SourceFormat | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None


class OutputStatus(Resource, frozen=True):
    """One stored output file."""

    name: str
    key: str
    format: WrittenFormat
    width: int
    height: int
    bytes: int
    sha256: str


class AuditEntry(Resource, frozen=True):
    """One transition, or `count` similar ones. `seq` increases by one and never skips silently."""

    seq: int
    time: datetime
    actor: str
    event: str
    reason: str
    message: str
    count: int | None = None
    on_behalf_of: str | None = None


class ImageJobStatus(Resource, frozen=True):
    """The observed state and results of an ImageJob."""

    phase: Phase | None = None
    observed_generation: int | None = None
    conditions: tuple[Condition, ...] = ()
    queue: Queue | None = None
    attempts: int | None = None
    disruptions: int | None = None
    memory_bytes: int | None = None
    last_failure: LastFailure | None = None
    profile: ResolvedProfile | None = None
    stores: tuple[StoreStatus, ...] = ()
    worker: WorkerStatus | None = None
    source: SourceStatus | None = None
    outputs: tuple[OutputStatus, ...] = ()
    output_summary: str | None = None
    removed_metadata: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    on_behalf_of: str | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    processing_millis: int | None = None
    audit: tuple[AuditEntry, ...] = ()


class ImageJob(Resource, frozen=True):
    """One upload with its results."""

    metadata: ObjectMeta
    spec: ImageJobSpec
    status: ImageJobStatus = ImageJobStatus()

    @property
    def is_finished(self) -> bool:
        return self.status.phase in FINISHED

    @property
    def is_admitted(self) -> bool:
        """Whether the status records that it was charged."""
        return self._admitted is not None

    @property
    def admitted_at(self) -> datetime | None:
        """When the status says that it was charged: exactly, if the audit entry is still there.

        Else to the whole second, cut off, as a condition has it.
        """
        if not self._admitted:
            return None
        charged = (entry for entry in self.status.audit if entry.reason == Reason.ADMITTED)
        entry = next(charged, None)
        return entry.time if entry else self._admitted.last_transition_time

    @property
    def ready(self) -> Condition | None:
        """The condition that says why it is where it is."""
        return self._condition("Ready")

    @property
    def _admitted(self) -> Condition | None:
        """The condition, if it is true."""
        found = self._condition("Admitted")
        return found if found and found.status == "True" else None

    def _condition(self, kind: str) -> Condition | None:
        return next((each for each in self.status.conditions if each.type == kind), None)

    @property
    def is_deleting(self) -> bool:
        """Whether it was deleted, and only a finalizer keeps it."""
        return self.metadata.deletion_timestamp is not None
