"""Keeps a failure to the one key or object that it came from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import (
    EventsKey,
    MissingLedgersKey,
    NamespaceKey,
    PodKey,
    QuotaStatusKey,
    ReconcileKey,
)
from imagejob_operator.kube.backoff import Backoff
from imagejob_operator.kube.errors import ApiError
from imagejob_operator.observability.logging import Value, about
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.workqueue.backoff import KeyBackoff
from imagejob_operator.workqueue.queue import WorkQueue

from .log_fields import fields_of

log = logging.getLogger(__name__)

NOT_OURS = (OSError, MemoryError)
"""Exceptions that end the process: the audit log can't be written, or there is no memory."""

REFUSED = Backoff(timedelta(seconds=2), timedelta(seconds=16))
"""The pauses of a key where the API server refuses or fails."""

FAULTY = Backoff(timedelta(seconds=1), timedelta(minutes=5))
"""The pauses of a key where the operator fails: such a fault rarely passes by itself."""

R = TypeVar("R")


class Containment:
    """A key that fails is logged, counted and retried, later each time. Others go on."""

    def __init__(
        self, cache: ClusterCache, queue: WorkQueue, metrics: Metrics, clock: Callable[[], datetime]
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._metrics = metrics
        self._clock = clock
        self._backoff = KeyBackoff()

    def call(self, key: ReconcileKey, decide: Callable[[], R]) -> R | None:
        """Return what `decide`, which does no I/O, returns; None if it fails."""
        try:
            found = decide()
        except NOT_OURS:
            raise
        except Exception as error:  # noqa: BLE001 (whatever it is, it is this key's)
            self._failed(key, error)
            return None
        if found is None:  # nothing is to be done
            self._backoff.forget(key)
        return found

    async def act(
        self, key: ReconcileKey, action: Callable[[], Coroutine[Any, Any, bool | None]]
    ) -> None:
        """Carry out the key's action; if nothing was tried, its failures count on."""
        try:
            done = await action()
        except ApiError as error:
            self._refused(key, error)
        except NOT_OURS:
            raise
        except Exception as error:  # noqa: BLE001 (likewise)
            self._failed(key, error)
        else:
            if done is not False:
                self._backoff.forget(key)

    def _refused(self, key: ReconcileKey, error: ApiError) -> None:
        now = self._clock()
        failing = self._backoff.failed(key, now, REFUSED)
        # The transport logs outages, which may concern thousands of keys.
        if failing.is_new and not error.is_outage:
            log.warning("action failed, will retry: %s", error, extra=fields_of(key))
        self._queue.add(key, after=max(failing.due, now + error.retry_after))

    def _failed(self, key: ReconcileKey, error: Exception) -> None:
        self._metrics.reconcile_error(controller_of(key))
        now = self._clock()
        failing = self._backoff.failed(key, now, FAULTY)
        if failing.is_new:
            pause, where = (failing.due - now).total_seconds(), self._about(key)
            log.error("cannot reconcile, will retry in %.0f s", pause, exc_info=error, extra=where)
        # Also if it isn't new: another time may have replaced it.
        self._queue.add(key, after=failing.due)

    def _about(self, key: ReconcileKey) -> dict[str, dict[str, Value]]:
        uid = key if isinstance(key, str) else key.uid if isinstance(key, EventsKey) else ""
        job = self._cache.jobs.get(uid)
        return about(job.metadata) if job else fields_of(key)


def controller_of(key: ReconcileKey) -> str:
    """Return what reconciles the key, as a metric's label."""
    match key:
        case str():
            return "imagejob"
        case EventsKey():
            return "events"
        case MissingLedgersKey():
            return "ledgers"
        case NamespaceKey():
            return "namespace"
        case QuotaStatusKey():
            return "imagequota"
        case PodKey():
            return "pod"
        case (_, _):
            return "worker"


@contextmanager
def contained(
    metrics: Metrics, controller: str, where: dict[str, dict[str, Value]]
) -> Iterator[None]:
    """Log and count an unexpected exception: what is tried again anyway need not be enqueued.

    Callers handle an ApiError.
    """
    try:
        yield
    except (ApiError, *NOT_OURS):
        raise
    except Exception:
        metrics.reconcile_error(controller)
        log.exception("unexpected error, will retry", extra=where)
