"""The audit entries of an ImageJob, in its status, and as lines on standard output."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from imagejob_operator.api.digest import spec_digest
from imagejob_operator.api.imagejob import (
    FINISHED,
    AuditEntry,
    ImageJob,
    ImageJobStatus,
    ResolvedProfile,
    SourceStatus,
    StorePlace,
)
from imagejob_operator.api.meta import GROUP, VERSION, Resource
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.destination import destination_of

from .inputs import JobState
from .store_status import store_called

LINE_VERSION = f"audit.{GROUP}/{VERSION}"
"""The apiVersion of the audit log's lines."""

KEPT_IN_STATUS = 20

CANCELLED = "the ImageJob was deleted before it finished"
"""The message that goes with the reason `Cancelled`."""

OPERATOR = "imagejob-operator"
UNKNOWN = "unknown"
"""The actor, if no admission policy guarantees a name."""

BY_UNKNOWN = frozenset({Reason.SUSPENDED, Reason.CANCELLED})
"""Transitions that a user caused; the operator can't see which one."""

REQUESTED_BY = f"{GROUP}/requested-by"
"""The annotation that an admission policy sets to the name of the ImageJob's creator."""

ON_BEHALF_OF = f"{GROUP}/on-behalf-of"
"""The annotation by which an upload gateway says for whom it created the ImageJob."""

MAX_ACTOR = 1024
"""Characters, as in the CRD; a user's name may be longer."""


def requester(job: ImageJob, trusted: bool) -> str:  # noqa: FBT001 (it decides the result)
    """The user who created the ImageJob. `trusted`: a policy guarantees the annotation."""
    name = job.metadata.annotations.get(REQUESTED_BY, "") if trusted else ""
    return _shortened(name) or UNKNOWN


def on_behalf_of(job: ImageJob, trusted: bool) -> str | None:  # noqa: FBT001 (as above)
    """For whom a gateway created the ImageJob. `trusted`: a policy guarantees the annotation."""
    name = job.metadata.annotations.get(ON_BEHALF_OF, "") if trusted else ""
    return _shortened(name) or None


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_ACTOR else f"{name[: MAX_ACTOR - 1]}…"


def newest(job: ImageJob) -> AuditEntry | None:
    """Return the last entry in the status."""
    return max(job.status.audit, key=lambda entry: entry.seq, default=None)


def last_seq(job: ImageJob) -> int:
    """Return the highest sequence number in the status; 0 if there is none."""
    shown = newest(job)
    return shown.seq if shown else 0


def next_seq(job: ImageJob, unwritten: Sequence[AuditEntry]) -> int:
    """Return the next sequence number, after those that the status doesn't show yet."""
    return (unwritten[-1].seq if unwritten else last_seq(job)) + 1


def requested(
    job: ImageJob, requester: str, now: datetime, on_behalf_of: str | None = None
) -> AuditEntry:
    """The first entry: the ImageJob was created."""
    return AuditEntry(
        seq=1,
        time=job.metadata.creation_timestamp or now,
        actor=requester,
        event="Pending",
        reason=Reason.REQUESTED.value,
        message=f"requested by {requester}",
        on_behalf_of=on_behalf_of,
    )


def admitted(seq: int, at: datetime) -> AuditEntry:
    """The entry for the charge to the namespace's quota, at the ledger's time."""
    message = "charged to the namespace's quota"
    return AuditEntry(seq, at, OPERATOR, "Queued", Reason.ADMITTED.value, message)


def entry(seq: int, state: JobState, now: datetime) -> AuditEntry:
    """The entry for one transition at `now`."""
    actor = UNKNOWN if state.reason in BY_UNKNOWN else OPERATOR
    return AuditEntry(
        seq=seq,
        time=now,
        actor=actor,
        event=state.phase,
        reason=state.reason.value,
        message=state.message,
    )


def cancelled(job: ImageJob, unwritten: Sequence[AuditEntry], now: datetime) -> AuditEntry:
    """The last entry of an ImageJob that was deleted before it finished."""
    seq = next_seq(job, unwritten)
    return AuditEntry(seq, now, UNKNOWN, "Deleted", Reason.CANCELLED.value, CANCELLED)


def tells_cancelled(entries: Sequence[AuditEntry]) -> bool:
    """Whether the newest entry is `Cancelled`: a finalizer had kept the deleted ImageJob."""
    return bool(entries) and entries[-1].reason == Reason.CANCELLED


def expired(job: ImageJob, now: datetime) -> AuditEntry:
    """The last entry of an ImageJob that is deleted because its TTL has expired."""
    message = f"it has been kept for {job.spec.ttl_seconds_after_finished} s after it finished"
    reason = Reason.TTL_EXPIRED.value
    return AuditEntry(next_seq(job, ()), now, OPERATOR, "Deleted", reason, message)


class QuotaDecision(Resource, frozen=True):
    """The rates of the namespace's quota (`50/1h`), the tightest first.

    `used` and `remaining` are the tightest one's, and include this ImageJob if it was admitted.
    """

    limits: tuple[str, ...]
    used: int
    remaining: int


class LineSource(Resource, frozen=True):
    """The source; digest and size are set at the end, if it was read."""

    store: str
    key: str
    place: StorePlace | None = None
    sha256: str | None = None
    bytes: int | None = None


class LineDestination(Resource, frozen=True):
    """The destination of the outputs, written or not."""

    store: str
    prefix: str
    place: StorePlace | None = None


class LineOutput(Resource, frozen=True):
    """One stored output."""

    name: str
    key: str
    sha256: str
    bytes: int


class Line(Resource, frozen=True, tag_field="kind", tag="ImageJobAudit"):
    """One line of the audit log. docs/audit.schema.json describes the fields."""

    api_version: str
    namespace: str
    name: str
    uid: str
    generation: int
    spec_digest: str
    seq: int
    time: str
    actor: str
    event: str
    reason: str
    message: str
    source: LineSource
    destination: LineDestination
    on_behalf_of: str | None = None
    count: int | None = None
    quota: QuotaDecision | None = None
    attempts: int | None = None
    disruptions: int | None = None
    profile: ResolvedProfile | None = None
    outputs: tuple[LineOutput, ...] = ()


def line(
    job: ImageJob,
    entry: AuditEntry,
    status: ImageJobStatus | None = None,
    quota: QuotaDecision | None = None,
) -> bytes:
    """Encode one line of JSON for the operator's standard output, without the newline.

    It is printed before `status` is written. Only the entry of a final phase has the results:
    the same status may come with earlier entries, at whose time there were none.
    """
    end = status if status and entry.event in FINISHED else ImageJobStatus()
    record = Line(
        api_version=LINE_VERSION,
        namespace=job.metadata.namespace,
        name=job.metadata.name,
        uid=job.metadata.uid,
        generation=job.metadata.generation,
        spec_digest=spec_digest(job.spec),
        seq=entry.seq,
        time=_microseconds(entry.time),
        actor=entry.actor,
        event=entry.event,
        reason=entry.reason,
        message=entry.message,
        source=_source(job, end),
        destination=_destination(job, end),
        on_behalf_of=entry.on_behalf_of,
        count=entry.count,
        quota=quota,
        attempts=end.attempts,
        disruptions=end.disruptions,
        profile=end.profile,
        outputs=_outputs(end),
    )
    return msgspec.json.encode(record)


def _source(job: ImageJob, end: ImageJobStatus) -> LineSource:
    wanted, found = job.spec.source, end.source or SourceStatus()
    store = wanted.store_ref.name
    return LineSource(store, wanted.key, _place(store, end), found.sha256, found.bytes)


def _destination(job: ImageJob, end: ImageJobStatus) -> LineDestination:
    wanted = destination_of(job)
    return LineDestination(wanted.store, wanted.prefix, _place(wanted.store, end))


def _place(store: str, end: ImageJobStatus) -> StorePlace | None:
    """The store of that name as it was at the dispatch, if there was one."""
    known = store_called(store, end.stores)
    if not known or not (known.endpoint or known.claim_name):
        return None
    return msgspec.convert(known, StorePlace, from_attributes=True)


def _outputs(end: ImageJobStatus) -> tuple[LineOutput, ...]:
    return tuple(LineOutput(made.name, made.key, made.sha256, made.bytes) for made in end.outputs)


def _microseconds(time: datetime) -> str:
    """Format with a fixed length, so that times sort as text."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
