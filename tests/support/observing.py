"""What an operator knows about many namespaces, without a cluster: for tests of metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.config.platform import Caps
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.controllers.snapshot import Observed
from imagejob_operator.imagejob.decide import JobHistory
from imagejob_operator.kube.concurrency_limiter import AdaptiveConcurrencyLimiter
from imagejob_operator.observability.collector import Gauges
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.observability.snapshot import Snapshot
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.workqueue.queue import WorkQueue
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from support.api_objects import NOW, image_job
from support.timings import TIMINGS

RATES = (parse_rate("50/1h"), parse_rate("500/24h"))
CAPS = Caps(default=Policy(RATES), max_workers=64, max_workers_per_namespace=32)


@dataclass
class Knowledge:
    """The operator's state; also the loop and the candidate that metrics read."""

    leads: bool = True
    trouble: str = ""
    listed: bool = True
    unwatched: tuple[str, ...] = ()
    cache: ClusterCache = field(default_factory=ClusterCache)
    histories: JobHistories = field(default_factory=JobHistories)
    namespaces: int = 200

    def __post_init__(self) -> None:
        self.last_tick = time.monotonic()
        limiter = AdaptiveConcurrencyLimiter()
        queue = WorkQueue(limiter)
        registry = NamespaceRegistry(self.cache, queue, CAPS, TIMINGS, lambda: NOW)
        self.observed = Observed(self.cache, self.histories, registry, queue, limiter, CAPS)
        self.metrics = Metrics("1.2.3")
        self.metrics.registry.register(Gauges(self, self, self.namespaces))

    def snapshot(self) -> Snapshot:
        return self.observed.snapshot(NOW)

    def wait(self, namespace: str, count: int, phase: str = "Throttled") -> None:
        """Let that many ImageJobs wait there for the quota."""
        tenant = self.observed.registry.of(namespace)
        reason = {"Throttled": "QuotaUsedUp", "Queued": "WaitingForWorker"}[phase]
        for number in range(count):
            uid = f"{namespace}-{number}"
            job = image_job(uid, meta={"namespace": namespace, "uid": uid})
            self.cache.upsert(job)
            self.histories.keep(uid, JobHistory(last=(phase, reason)))
            tenant.line_up(job, "admission" if phase == "Throttled" else "worker")

    def use(self, namespace: str, count: int) -> None:
        """Charge that many there now."""
        ledger = Ledger(0).at(NOW, RATES).charge([f"{namespace}-{n}" for n in range(count)])
        self.observed.registry.of(namespace).load(ledger, "1")

    def series(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Name and labels → value, as Prometheus reads them."""
        text = generate_latest(self.metrics.registry).decode()
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.series().get((f"imagejob_{name}", tuple(sorted(labels.items()))))
