"""The Lease for leader election, and the rules for taking it.

The rules are client-go's. A holder renews its Lease; a candidate that has observed it unchanged for
its duration may take it. Only time measured between two observations on one machine counts, never
the times in the Lease, as clocks of two machines differ. Every write compares the resource version,
so only one of two candidates succeeds; after a renewal without a response, it compares the holder.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from imagejob_operator.api.meta import ObjectMeta, Resource


class LeaseSpec(Resource, frozen=True):
    """The part of a Lease that names the leader; without a holder there is none.

    Times are informative.
    """

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
    """The duration of a lease and what follows from it, in seconds. 15 gives 2, 10 and 5.

    An attempt to renew that begins before the deadline ends before the lease does.
    """

    seconds: int

    @property
    def retry(self) -> float:
        """The interval between attempts to take or renew the lease."""
        return self.seconds * 2 / 15

    @property
    def deadline(self) -> float:
        """A leader that has not renewed for this long gives up.

        Also the timeout of an attempt to take the lease, which needs two requests.
        """
        return self.seconds * 2 / 3

    @property
    def patience(self) -> float:
        """The timeout of an attempt to renew the lease, which needs one request."""
        return self.seconds / 3


class LeaseHolder(msgspec.Struct, frozen=True):
    """One tenure of the lease.

    A restarted container has its predecessor's name, and must not take that one's lease for its
    own: the time of taking tells them apart.
    """

    identity: str
    acquire_time: str

    def holds(self, spec: LeaseSpec) -> bool:
        """Whether exactly this tenure holds the Lease."""
        return (spec.holder_identity, spec.acquire_time) == (self.identity, self.acquire_time)


class ObservedRecord(msgspec.Struct, frozen=True):
    """A Lease, and since when (`at`, monotonic) it has been observed unchanged."""

    spec: LeaseSpec
    at: float

    def again(self, spec: LeaseSpec, at: float) -> ObservedRecord:
        """Return the record after another observation."""
        return self if spec == self.spec else ObservedRecord(spec, at)

    def is_free(self, now: float) -> bool:
        """Whether a candidate may take the Lease."""
        return not self.spec.holder_identity or now - self.at >= self.spec.lease_duration_seconds


def taken(before: LeaseSpec | None, holder: LeaseHolder, timings: LeaseTimings) -> LeaseSpec:
    """Return the Lease as a new holder writes it; `before` is None if there was no Lease."""
    return LeaseSpec(
        holder_identity=holder.identity,
        lease_duration_seconds=timings.seconds,
        acquire_time=holder.acquire_time,
        renew_time=holder.acquire_time,
        lease_transitions=before.lease_transitions + 1 if before else 0,
    )


def renewed(held: LeaseSpec, now: datetime) -> LeaseSpec:
    """Return the Lease as its holder renews it."""
    return msgspec.structs.replace(held, renew_time=micro_time(now))


def released(held: LeaseSpec, now: datetime) -> LeaseSpec:
    """Return the Lease without a holder, so that the next candidate need not wait."""
    return LeaseSpec(
        lease_duration_seconds=1,
        acquire_time=held.acquire_time,
        renew_time=micro_time(now),
        lease_transitions=held.lease_transitions,
    )


def micro_time(time: datetime) -> str:
    """Format a MicroTime, for which the API server requires six digits."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
