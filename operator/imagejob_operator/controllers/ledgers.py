"""The namespaces' ledgers in the cluster: read, and written by compare-and-swap."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from imagejob_operator.api.charge import charged_at
from imagejob_operator.api.labels import TENANT_LABEL
from imagejob_operator.cache.lister import Lister
from imagejob_operator.kube import records
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.resources import LEDGERS, ConfigMap
from imagejob_operator.kube.transport import ApiError, ConflictError, NotFoundError
from imagejob_operator.quota import ledger as ledgers
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.scheduling.namespace_state import NamespaceState

log = logging.getLogger(__name__)


class Ledgers:
    """One ConfigMap a namespace, in the operator's own. Methods may raise ApiError.

    A ledger that was read is used only with a picture that was read after it.
    """

    def __init__(
        self, cluster: Cluster, lister: Lister, *, namespace: str, clock: Callable[[], datetime]
    ) -> None:
        self._cluster = cluster
        self._lister = lister
        self._namespace = namespace
        self._clock = clock
        self._metrics = cluster.metrics

    async def read_all(self, state_of: Callable[[str], NamespaceState]) -> list[NamespaceState]:
        """Every ledger there is. What they are to be used with has to be listed next."""
        found = []
        async for page in self._cluster.pages(LEDGERS, self._namespace):
            for stored in page.items:
                state = self._load(stored, state_of)
                if state:
                    found.append(state)
        return found

    def _load(
        self, stored: ConfigMap, state_of: Callable[[str], NamespaceState]
    ) -> NamespaceState | None:
        namespace = stored.metadata.labels.get(TENANT_LABEL, "")
        if stored.metadata.name != records.ledger_name(namespace):
            return None
        try:
            ledger = self._decode(namespace, stored.data)
        except ApiError as error:  # the others are not to wait for it
            log.warning("%s", error)
            return None
        state = state_of(namespace)
        state.load(ledger, stored.metadata.resource_version)
        return state

    async def read(self, state: NamespaceState) -> None:
        """A namespace's ledger, and then what it is to be used with."""
        name = records.ledger_name(state.namespace)
        stored = await self._cluster.read(LEDGERS, self._namespace, name)
        await self._lister.work_of(state.namespace)
        if stored:
            ledger = self._decode(state.namespace, stored.data)
            state.load(ledger, stored.metadata.resource_version)
            return
        rebuilt = await self._rebuild(state.namespace)
        if await self._cluster.read(LEDGERS, self._namespace, name):
            await self.read(state)  # somebody else was faster, and knows better
        else:
            state.load(rebuilt, None)

    async def _rebuild(self, namespace: str) -> Ledger:
        """There is no ledger: begin one with what the ImageJobs and their workers show."""
        times, charged = [], {}
        async for job in self._lister.all_image_jobs(namespace):
            worker = None if job.is_finished else self._lister.worker_of(job)
            made = worker.metadata.creation_timestamp if worker else None
            at = charged_at(job, worker_created=made)
            if at:
                times.append(at)
            if at and not job.is_admitted:
                charged[job.metadata.uid] = at
        if times:
            log.warning("%s has no ledger: rebuilt from %d ImageJobs", namespace, len(times))
        return ledgers.rebuilt(times, self._clock(), charged)

    async def write(self, state: NamespaceState, ledger: Ledger) -> bool:
        """Compare and swap. Says whether it is ours; else it has to be read again.

        So it has if this raises ApiError: then nobody knows.
        """
        data, version = ledger.encode(), state.version
        manifest = records.ledger(self._namespace, state.namespace, data, version)
        try:
            state.load(ledger, await self._cluster.write_ledger(manifest))
        except (ConflictError, NotFoundError):
            self._metrics.ledger("write", "conflict")
            return False
        self._metrics.ledger("write", "done")
        return True

    def _decode(self, namespace: str, data: dict[str, str]) -> Ledger:
        try:
            ledger = ledgers.decode(data)
        except ledgers.LedgerError as error:
            # Better nobody runs than more than may: a person has to look at it, or delete it.
            self._metrics.ledger("read", "unreadable")
            raise ApiError(0, f"the ledger of {namespace} can't be read: {error}") from error
        self._metrics.ledger("read", "done")
        return ledger
