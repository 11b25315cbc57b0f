"""The gateway's metrics, in one registry, which __main__ makes. docs/metrics.md describes them.

No label has a value that a client can choose: routes are templates, and what matches none is one.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Final

from imagejob_operator.api.version import VERSION
from imagejob_operator.observability.metrics import UNREACHED, Metrics
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client.registry import Collector

from .problem import ProblemReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

PREFIX = "imagejob_gateway_"
OF_THE_CLIENT = ("imagejob_api_", "imagejob_unreadable_objects")
"""What the operator's client counts, and the gateway has a use for."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""In place of a method that HTTP doesn't define, and of a path that no route has."""

GONE = "none"
"""In place of the status of a request that got no answer: its client went away."""

NO_ANSWER, GIVEN_UP = 0, -1
"""In place of a store's status: it gave none; the gateway gave up, as when its client has gone."""

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Upper bounds of buckets: an upload takes as long as its client sends."""


class GatewayMetrics:
    """One gateway's metrics. Each method records one event. `client` is for the API server's."""

    def __init__(self) -> None:
        self.client: Final = Metrics(VERSION)
        self.registry: Final = CollectorRegistry()
        self.registry.register(_Renamed(self.client.registry))
        ProcessCollector(registry=self.registry)
        build = Info(f"{PREFIX}build", "What this gateway is.", registry=self.registry)
        build.info({"version": VERSION, "python": platform.python_version()})
        self._requests = self._counter("requests", "Requests.", "method", "route", "status")
        self._seconds = self._histogram(
            "request_duration_seconds",
            "From the request's headers to the end of the answer.",
            "route",
        )
        self._problems = self._counter("problems", "Requests that ended with a problem.", "reason")
        self._bytes = self._counter("received_bytes", "Bytes of requests' bodies.")
        self._uploading = Gauge(
            f"{PREFIX}uploads_in_progress",
            "Uploads whose answer isn't sent yet.",
            registry=self.registry,
        )
        self._store = self._counter(
            "store_requests", "Requests to the stores, without signed URLs.", "method", "code"
        )
        self._store_seconds = self._histogram(
            "store_request_duration_seconds", "How long the stores took.", "method"
        )
        self._missing = Gauge(
            f"{PREFIX}missing_objects",
            "1 for an object that the settings list and the namespace lacks, otherwise 0.",
            ("kind", "name"),
            registry=self.registry,
        )
        for reason in ProblemReason:  # a rate doesn't see the first increase of a new series
            self._problems.labels(reason)

    def watch(self, unwatched: Callable[[], tuple[str, ...]]) -> None:
        """Export how many kinds are not listed or not watched."""
        gauge = Gauge(
            f"{PREFIX}unwatched_kinds",
            "Kinds of objects that are not listed or not watched.",
            registry=self.registry,
        )
        gauge.set_function(lambda: len(unwatched()))

    def watch_listed(self, kind: str, name: str, is_missing: Callable[[], bool]) -> None:
        """Export whether an object that the settings list is missing."""
        self._missing.labels(kind, name).set_function(is_missing)

    def uploading(self, change: int) -> None:
        """Count an upload that begins, 1, or ends, -1."""
        self._uploading.inc(change)

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """Count a request; status 0 if it got no answer, no seconds if it has no end of its own."""
        known = method if method in METHODS else OTHER
        route = route or OTHER
        self._requests.labels(known, route, str(status) if status else GONE).inc()
        if seconds is not None:
            self._seconds.labels(route).observe(seconds)

    def problem(self, reason: ProblemReason) -> None:
        """Count a request that ended with a problem."""
        self._problems.labels(reason).inc()

    def received(self, length: int) -> None:
        """Count bytes of a request's body."""
        self._bytes.inc(length)

    def stored(self, method: str, code: int, seconds: float) -> None:
        """Count a request to a store by its status, or by what is in its place."""
        label = {NO_ANSWER: UNREACHED, GIVEN_UP: GONE}.get(code, str(code))
        self._store.labels(method, label).inc()
        if code != GIVEN_UP:
            self._store_seconds.labels(method).observe(seconds)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(PREFIX + name, text, labels, buckets=SECONDS, registry=self.registry)


class _Renamed(Collector):
    """What the operator's client counts, under the gateway's name.

    The operator's alerts and dashboard ask for the operator's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        for metric in self._registry.collect():
            if metric.name.startswith(OF_THE_CLIENT):
                yield _renamed(metric)


def _renamed(metric: Metric) -> Metric:
    """Metrics are made anew for each scrape."""
    metric.name = _name(metric.name)
    metric.samples = [sample._replace(name=_name(sample.name)) for sample in metric.samples]
    return metric


def _name(name: str) -> str:
    return PREFIX + name.removeprefix("imagejob_")
