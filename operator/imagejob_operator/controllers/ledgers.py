"""Reads the namespaces' ledgers, and writes them by compare-and-swap."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple

from imagejob_operator.api.charge import charged_at
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.labels import TENANT_LABEL
from imagejob_operator.cache.lister import Lister
from imagejob_operator.kube import records
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.errors import ApiError, ConflictError, NotFoundError
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import LEDGERS, ConfigMap
from imagejob_operator.observability.logging import fields
from imagejob_operator.quota import ledger as ledgers
from imagejob_operator.quota.ledger import Ledger

log = logging.getLogger(__name__)

FEW = 8
"""Namespaces whose ImageJobs are listed one by one; those of more are found in a list of all."""


class StoredLedger(NamedTuple):
    """A ledger and its resource version in the cluster; None if it doesn't exist yet."""

    ledger: Ledger
    version: str | None


class Charges(NamedTuple):
    """When a namespace's ImageJobs were charged; by UID those whose status does not show it."""

    times: list[datetime]
    unshown: dict[str, datetime]


class Ledgers:
    """One ConfigMap per namespace, in the operator's own. Methods may raise ApiError.

    A ledger is combined only with ImageJobs that were read after it.
    """

    def __init__(
        self, cluster: Cluster, lister: Lister, *, namespace: str, clock: Callable[[], datetime]
    ) -> None:
        self._cluster = cluster
        self._lister = lister
        self._namespace = namespace
        self._clock = clock
        self._metrics = cluster.metrics

    async def read_all(self) -> dict[str, StoredLedger | None]:
        """Return every ledger by namespace, None for one that cannot be decoded.

        The caller has to list ImageJobs next.
        """
        found: dict[str, StoredLedger | None] = {}
        async for page in self._cluster.pages(LEDGERS, self._namespace):
            for each in page.unreadable:  # it exists, so it must not be rebuilt
                self._metrics.ledger("read", "unreadable")
                found[each.name.removeprefix(records.ledger_name(""))] = None
            for stored in page.items:
                namespace = stored.metadata.labels.get(TENANT_LABEL, "")
                if stored.metadata.name != records.ledger_name(namespace):
                    continue
                try:
                    found[namespace] = self._decode(namespace, stored)
                except ApiError as error:  # the other namespaces must not wait for it
                    log.warning("%s", error, extra=fields(namespace=namespace))
                    found[namespace] = None
        return found

    async def read(self, namespace: str, *, is_missing: bool = False) -> StoredLedger:
        """Read a namespace's ledger, then list the objects to combine it with.

        With `is_missing` it did not exist when all were listed, and the objects have been watched
        since: it is rebuilt from them, unless they show that it may exist by now.
        """
        if is_missing:
            rebuilt = (await self.rebuild([namespace]))[namespace]
            if not rebuilt.ledger.charged:
                return rebuilt
            # An ImageJob has a worker: another operator may have charged it since then.
        name = records.ledger_name(namespace)
        stored = await self._cluster.read(LEDGERS, self._namespace, name)
        if isinstance(stored, Unreadable):
            self._metrics.ledger("read", "unreadable")
            raise ApiError(0, f"cannot decode the ledger of {namespace}: {stored.why}")
        await self._lister.work_of(namespace)
        if stored:
            return self._decode(namespace, stored)
        rebuilt = (await self.rebuild([namespace]))[namespace]
        if await self._cluster.read(LEDGERS, self._namespace, name):
            return await self.read(namespace)  # another operator was faster
        return rebuilt

    async def rebuild(self, namespaces: Collection[str]) -> dict[str, StoredLedger]:
        """Build missing ledgers from the namespaces' ImageJobs and their workers."""
        found = {namespace: Charges([], {}) for namespace in namespaces}
        for scope in namespaces if len(namespaces) <= FEW else ("",):
            async for job in self._lister.all_image_jobs(scope):
                of = job.namespace if isinstance(job, Unreadable) else job.metadata.namespace
                if of in found:
                    self._collect(found[of], job)
        return {
            namespace: StoredLedger(self._rebuilt(namespace, charges), None)
            for namespace, charges in found.items()
        }

    def _collect(self, charges: Charges, job: ImageJob | Unreadable) -> None:
        """Note when the ImageJob was charged, if it was."""
        if isinstance(job, Unreadable):  # it may have been charged, until now
            charges.times.append(self._clock())
            return
        worker = None if job.is_finished else self._lister.worker_of(job)
        made = worker.metadata.creation_timestamp if worker else None
        at = charged_at(job, worker_created=made)
        if at:
            charges.times.append(at)
        if at and not job.is_admitted:
            charges.unshown[job.metadata.uid] = at

    def _rebuilt(self, namespace: str, charges: Charges) -> Ledger:
        if charges.times:
            log.warning(
                "the namespace has no ledger: rebuilt from %d ImageJobs",
                len(charges.times),
                extra=fields(namespace=namespace),
            )
        return ledgers.rebuilt(charges.times, self._clock(), charges.unshown)

    async def write(
        self, namespace: str, ledger: Ledger, version: str | None
    ) -> StoredLedger | None:
        """Compare and swap with that version. None if another writer was first: read it again.

        It also has to be read again if this raises ApiError: the outcome is unknown then.
        """
        manifest = records.ledger(self._namespace, namespace, ledger.encode(), version)
        try:
            stored = StoredLedger(ledger, await self._cluster.write_ledger(manifest))
        except (ConflictError, NotFoundError):
            self._metrics.ledger("write", "conflict")
            return None
        self._metrics.ledger("write", "done")
        return stored

    def _decode(self, namespace: str, stored: ConfigMap) -> StoredLedger:
        try:
            ledger = ledgers.decode(stored.data)
        except ledgers.LedgerError as error:
            # Stop the namespace rather than exceed its quota: a person has to repair or delete it.
            self._metrics.ledger("read", "unreadable")
            raise ApiError(0, f"cannot decode the ledger of {namespace}: {error}") from error
        self._metrics.ledger("read", "done")
        return StoredLedger(ledger, stored.metadata.resource_version)
