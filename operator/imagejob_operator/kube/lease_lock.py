"""Takes, renews and releases the Lease of coordination.k8s.io/v1 for leader election."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from imagejob_operator.observability.logging import fields

from . import lease as leases
from .clock import utc_now
from .errors import ApiError, ConflictError, FencedError, NotFoundError
from .lease import Lease, LeaseHolder, LeaseSpec, LeaseTimings, ObservedRecord
from .transport import TIMEOUT_SECONDS, Transport, decode

log = logging.getLogger(__name__)

NAME = "imagejob-operator"


class LeaseLostError(Exception):
    """Another operator leads, or may do so soon. Work in progress may be incomplete."""


def seconds_since_boot() -> float:
    """Return a monotonic clock that includes suspension of the machine, where available."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class LeaseLock:
    """One candidate for the Lease of a namespace. Methods that send requests may raise ApiError.

    One attempt is made at a time. Its requests end within `seconds`; one that gets no response by
    then counts as unanswered in the metrics, too, as the connection sets the time limit. The times
    in the Lease are informative: no decision depends on them.
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
        self._written: Lease | None = None  # as our last write left it, or may have
        self._holding: LeaseHolder | None = None  # the tenure that we last tried to begin
        self._renewed = -math.inf  # when the last successful renewal was sent
        self._due = math.inf  # when the attempt has to end, by time.monotonic()

    @property
    def holder(self) -> str | None:
        """The leader, as last observed; "" for none, None before the Lease was first read."""
        return self._seen.spec.holder_identity if self._seen else None

    @property
    def silent(self) -> float:
        """Seconds since we last took or renewed the lease; infinite if we don't hold it."""
        return self._clock() - self._renewed

    def fence(self) -> None:
        """Raise FencedError once another candidate may have observed our lease expire."""
        if self.silent >= self.timings.seconds:
            raise FencedError("request not sent: the lease may have expired")

    async def take(self, seconds: float = TIMEOUT_SECONDS) -> bool:
        """Take the lease if it is free; return whether we hold it.

        Raises ConflictError if another was faster.
        """
        self._due = time.monotonic() + seconds
        lease = await self._read()
        if lease and self._is_ours(lease):  # an attempt without an answer has succeeded
            await self._hold(lease, leases.renewed(lease.spec, utc_now()))
            return True
        if lease and not self._look(lease.spec).is_free(self._clock()):
            return False
        self._holding = LeaseHolder(self.identity, leases.micro_time(utc_now()))
        await self._hold(
            lease, leases.taken(lease.spec if lease else None, self._holding, self.timings)
        )
        return True

    async def renew(self, seconds: float = TIMEOUT_SECONDS) -> None:
        """Renew. Raises LeaseLostError if the Lease has changed: only its holder writes it.

        One request suffices if nobody has written since, as in client-go: two could take a slow API
        server longer than an attempt may last.
        """
        self._due = time.monotonic() + seconds
        if self._written:
            with suppress(ConflictError, NotFoundError):
                await self._hold(self._written, leases.renewed(self._written.spec, utc_now()))
                return
        lease = await self._read()
        if lease and self._is_ours(lease):
            await self._hold(lease, leases.renewed(lease.spec, utc_now()))
            return
        self._holding = None
        holder = self._look(lease.spec).spec.holder_identity if lease else ""
        raise LeaseLostError(
            f"the Lease is held by {holder}" if holder else "the Lease was deleted or released"
        )

    async def release(self, seconds: float = TIMEOUT_SECONDS) -> None:
        """Release the lease if we hold it, or might. Our work must have ended."""
        self._due = time.monotonic() + seconds
        self._renewed = -math.inf
        known, self._written = self._written, None
        while self._holding:
            lease, known = known or await self._read(), None
            if lease and self._is_ours(lease):
                with suppress(ConflictError, NotFoundError):  # such as our own renewal: read it
                    await self._write(lease, leases.released(lease.spec, utc_now()))
                    log.info("released the lease", extra=fields(identity=self.identity))
                    self._holding = None
            else:
                self._holding = None

    def _is_ours(self, lease: Lease) -> bool:
        return self._holding is not None and self._holding.holds(lease.spec)

    async def _hold(self, lease: Lease | None, spec: LeaseSpec) -> None:
        sent = self._clock()
        if lease and self._is_ours(lease):  # without an answer, its version remains unknown
            metadata = msgspec.structs.replace(lease.metadata, resource_version="")
            self._written = Lease(metadata, spec)
        self._written = await self._write(lease, spec)
        self._renewed = sent
        self._look(spec)

    def _look(self, spec: LeaseSpec) -> ObservedRecord:
        """Record an observation of the Lease."""
        now = self._clock()
        self._seen = self._seen.again(spec, now) if self._seen else ObservedRecord(spec, now)
        return self._seen

    async def _read(self) -> Lease | None:
        try:
            data = await self._send("GET", f"{self._path}/{NAME}")
        except NotFoundError:
            return None
        return decode(data, Lease)

    async def _write(self, lease: Lease | None, spec: LeaseSpec) -> Lease:
        """Write the Lease and return it.

        Raises ConflictError if it has changed, or was created, since it was read; if its version is
        unknown, if its holder has changed.
        """
        body = msgspec.to_builtins(spec)
        if lease is None:
            made = {"metadata": {"name": NAME}, "spec": body}
            return decode(await self._send("POST", self._path, made), Lease)
        patch = [*_unchanged(lease), {"op": "add", "path": "/spec", "value": body}]
        try:
            data = await self._send("PATCH", f"{self._path}/{NAME}", patch)
        except ApiError as error:
            if error.status == 422 and not lease.metadata.resource_version:
                raise ConflictError(409, error.message) from error  # a test of the patch failed
            raise
        return decode(data, Lease)

    async def _send(self, method: str, path: str, body: object = None) -> bytes:
        left = self._due - time.monotonic()
        return await self._transport.send(method, path, body, seconds=max(0.0, left))


def _unchanged(lease: Lease) -> list[dict[str, object]]:
    """Return the operations of a patch that let it fail if the Lease has changed.

    If the version is unknown, because a renewal got no response, the holder is compared: nobody
    else writes while it is the same. Replacing the version makes the server compare it.
    """
    version, spec = lease.metadata.resource_version, lease.spec
    if version:
        return [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}]
    return [
        {"op": "test", "path": "/spec/holderIdentity", "value": spec.holder_identity},
        {"op": "test", "path": "/spec/acquireTime", "value": spec.acquire_time},
    ]
