"""The Lease by which one operator leads, and what its candidates make of it.

client-go's rules. A holder renews its Lease; whoever has seen it stay the same for as long as it
says it lasts may take it. Only the time between two sightings on one machine counts, never the
times that the Lease shows: two machines' clocks differ. Every write compares the resource version,
so that of two who take it one does.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from imagejob_operator.api.meta import ObjectMeta, Resource


class LeaseSpec(Resource, frozen=True):
    """The part that tells who leads. No holder: nobody does. Times are for people to read."""

    holder_identity: str = ""
    lease_duration_seconds: int = 0
    acquire_time: str = ""
    renew_time: str = ""
    lease_transitions: int = 0


class Lease(Resource, frozen=True):
    """A Lease of coordination.k8s.io/v1."""

    metadata: ObjectMeta
    spec: LeaseSpec = LeaseSpec()


class LeaseTimings(msgspec.Struct, frozen=True):
    """How long a lease lasts, and what follows from it; all in seconds. 15 gives 2, 10 and 5.

    An attempt that begins before the deadline ends before the lease does.
    """

    seconds: int

    @property
    def retry(self) -> float:
        """Between two attempts to take the lease, or to renew it."""
        return self.seconds * 2 / 15

    @property
    def deadline(self) -> float:
        """A leader that has not renewed for as long gives up."""
        return self.seconds * 2 / 3

    @property
    def patience(self) -> float:
        """For one attempt."""
        return self.seconds / 3


class LeaseHolder(msgspec.Struct, frozen=True):
    """One holding of the lease. A container that was restarted has its predecessor's name, and
    must not take what that one held for its own: so the time of taking tells them apart, too.
    """

    identity: str
    acquire_time: str

    def holds(self, spec: LeaseSpec) -> bool:
        """Whether the Lease is held by this very tenure."""
        return (spec.holder_identity, spec.acquire_time) == (self.identity, self.acquire_time)


class ObservedRecord(msgspec.Struct, frozen=True):
    """Since when (`at`, of a monotonic clock) a Lease has been seen as it is."""

    spec: LeaseSpec
    at: float

    def again(self, spec: LeaseSpec, at: float) -> ObservedRecord:
        """After another look."""
        return self if spec == self.spec else ObservedRecord(spec, at)

    def is_free(self, now: float) -> bool:
        """Whether anyone may take it."""
        return not self.spec.holder_identity or now - self.at >= self.spec.lease_duration_seconds


def taken(before: LeaseSpec | None, holder: LeaseHolder, timings: LeaseTimings) -> LeaseSpec:
    """The Lease as a new holder writes it; None before where there was no Lease."""
    return LeaseSpec(
        holder_identity=holder.identity,
        lease_duration_seconds=timings.seconds,
        acquire_time=holder.acquire_time,
        renew_time=holder.acquire_time,
        lease_transitions=before.lease_transitions + 1 if before else 0,
    )


def renewed(held: LeaseSpec, now: datetime) -> LeaseSpec:
    """The Lease as its holder renews it."""
    return msgspec.structs.replace(held, renew_time=micro_time(now))


def released(held: LeaseSpec, now: datetime) -> LeaseSpec:
    """The Lease as its holder leaves it: nobody's, so that the next need not wait."""
    return LeaseSpec(
        lease_duration_seconds=1,
        acquire_time=held.acquire_time,
        renew_time=micro_time(now),
        lease_transitions=held.lease_transitions,
    )


def micro_time(time: datetime) -> str:
    """As the API server writes a MicroTime, which it takes with six digits only."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
