"""The Lease of coordination.k8s.io/v1 by which one operator leads: taken, renewed, released."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from . import lease as leases
from .clock import utc_now
from .lease import Lease, LeaseHolder, LeaseSpec, LeaseTimings, ObservedRecord
from .transport import ConflictError, FencedError, NotFoundError, Transport, decode

log = logging.getLogger(__name__)

NAME = "imagejob-operator"


class LeaseLostError(Exception):
    """Somebody else leads, or may do so soon. What was being done may be half done."""


def seconds_since_boot() -> float:
    """A monotonic clock that goes on while the machine is suspended, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class LeaseLock:
    """One candidate for the Lease of a namespace. What asks the API server may raise ApiError.

    The times in the Lease are for people who read it: nothing is decided by them.
    """

    def __init__(
        self,
        transport: Transport,
        namespace: str,
        identity: str,
        timings: LeaseTimings,
        clock: Callable[[], float] = seconds_since_boot,
    ) -> None:
        self.identity = identity
        self.timings = timings
        self._transport = transport
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._clock = clock
        self._seen: ObservedRecord | None = None
        self._holding: LeaseHolder | None = None  # as we last tried to begin one
        self._renewed = -math.inf  # when the last renewal that succeeded was sent

    @property
    def holder(self) -> str | None:
        """Who leads as far as we know; "" for nobody, None before the Lease was first read."""
        return self._seen.spec.holder_identity if self._seen else None

    @property
    def silent(self) -> float:
        """Seconds since we last took or renewed the lease; infinite if we don't hold it."""
        return self._clock() - self._renewed

    def fence(self) -> None:
        """Raises FencedError once somebody else may have seen our lease run out."""
        if self.silent >= self.timings.seconds:
            raise FencedError("not sent, as our lease may have run out")

    async def take(self) -> bool:
        """Whether the lease is ours now. Raises ConflictError if somebody was faster."""
        lease = await self._read()
        if lease and self._is_ours(lease):  # an attempt that we had no answer to did succeed
            await self._hold(lease, leases.renewed(lease.spec, utc_now()))
            return True
        if lease and not self._look(lease.spec).is_free(self._clock()):
            return False
        self._holding = LeaseHolder(self.identity, leases.micro_time(utc_now()))
        await self._hold(
            lease, leases.taken(lease.spec if lease else None, self._holding, self.timings)
        )
        return True

    async def renew(self) -> None:
        """Raises LeaseLostError if the Lease is not as we left it: nobody else writes ours."""
        lease = await self._read()
        if lease and self._is_ours(lease):
            await self._hold(lease, leases.renewed(lease.spec, utc_now()))
            return
        self._holding = None
        holder = self._look(lease.spec).spec.holder_identity if lease else ""
        raise LeaseLostError(f"it is held by {holder}" if holder else "it was taken away")

    async def release(self) -> None:
        """If we hold the lease, or might; whatever we had under way must have ended."""
        self._renewed = -math.inf
        while self._holding:
            lease = await self._read()
            if lease and self._is_ours(lease):
                with suppress(ConflictError):  # a renewal that was under way; then once more
                    await self._write(lease, leases.released(lease.spec, utc_now()))
                    log.info("%s has released the lease", self.identity)
                    self._holding = None
            else:
                self._holding = None

    def _is_ours(self, lease: Lease) -> bool:
        return self._holding is not None and self._holding.holds(lease.spec)

    async def _hold(self, lease: Lease | None, spec: LeaseSpec) -> None:
        sent = self._clock()
        await self._write(lease, spec)
        self._renewed = sent
        self._look(spec)

    def _look(self, spec: LeaseSpec) -> ObservedRecord:
        """What we know of the Lease, now that we have seen it as `spec`."""
        now = self._clock()
        self._seen = self._seen.again(spec, now) if self._seen else ObservedRecord(spec, now)
        return self._seen

    async def _read(self) -> Lease | None:
        try:
            data = await self._transport.send("GET", f"{self._path}/{NAME}")
        except NotFoundError:
            return None
        return decode(data, Lease)

    async def _write(self, lease: Lease | None, spec: LeaseSpec) -> None:
        """Raises ConflictError if the Lease is no longer as it was read, or no longer absent."""
        body = msgspec.to_builtins(spec)
        if lease is None:
            meta = {"name": NAME}
            await self._transport.send("POST", self._path, {"metadata": meta, "spec": body})
            return
        version = lease.metadata.resource_version
        patch = [
            # Setting the resource version makes the server compare it.
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": "/spec", "value": body},
        ]
        await self._transport.send("PATCH", f"{self._path}/{NAME}", patch)
