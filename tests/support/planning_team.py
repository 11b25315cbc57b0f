"""A namespace whose ImageJobs wait, and what the operator plans for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.imagejob.inputs import Refusal
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.admission_snapshot import take_snapshot
from imagejob_operator.scheduling.namespace_state import NamespaceState
from imagejob_operator.scheduling.plan import Plan, WorkerBudget, plan

from support.api_objects import NOW, PLATFORM, image_job, last_failure, store
from support.caches import RecordingCache

MANY = Policy((parse_rate("50/1h"),))
EMPTY = Ledger(0).at(NOW, MANY.rates)
OLD, NEW = "2026-11-22T09:00:00Z", "2026-11-22T09:30:00Z"


def job(name: str, created: str = OLD, **spec: Any) -> ImageJob:
    """An ImageJob that was created at that time."""
    return image_job(name, meta={"creationTimestamp": created}, **spec)


def jobs(count: int, first: int = 0, **spec: Any) -> list[ImageJob]:
    """`photo-00` and so on, in the order in which they wait."""
    return [job(f"photo-{number:02}", **spec) for number in range(first, first + count)]


def lost(name: str, created: str = OLD) -> ImageJob:
    """One whose worker was lost: it must run alone."""
    return job(name, created, status=last_failure(0, worker="ij-0"))


class Team:
    """A namespace with a store, and its ImageJobs in the queues that the test chooses."""

    def __init__(self, ledger: Ledger = EMPTY) -> None:
        self.cache = RecordingCache()
        self.cache.upsert(store())
        self.tenant = NamespaceState("team-a")
        self.tenant.load(ledger, "1")

    def throttled(self, *jobs: ImageJob) -> Team:
        for each in jobs:
            self.cache.upsert(each)
            self.tenant.line_up(each, "admission")
        return self

    def queued(self, *jobs: ImageJob) -> Team:
        for each in jobs:
            self.cache.upsert(each)
            self.tenant.line_up(each, "worker")
        return self

    def plan(
        self,
        policy: Policy = MANY,
        places: WorkerBudget | int = 10,
        later: timedelta = timedelta(),
        refusals: Mapping[str, Refusal] | None = None,
    ) -> Plan:
        """Plan as the operator does, with all it knows and `places` free for the namespace."""
        now = NOW + later
        snapshot = take_snapshot(self.tenant, policy, self.cache, now)
        given = places if isinstance(places, WorkerBudget) else WorkerBudget(places)
        made = plan(snapshot, given, self.cache, PLATFORM, now, refusals or {})
        for job, worker in made.assumed:
            self.cache.assume(job, worker)
        return made

    def carry_out(self, made: Plan) -> None:
        """Act as if its ledger were written, and its workers being created."""
        self.tenant.load(made.ledger, f"{int(self.tenant.version or 0) + 1}")
        self.tenant.pending |= {each.name: each for each in made.pending}


def workers(made: Plan) -> list[list[str]]:
    """The names of the ImageJobs in each worker."""
    return [[each.metadata.name for each in pending.jobs] for pending in made.pending]


def dispatched(made: Plan) -> list[str]:
    """The names of the ImageJobs in all workers."""
    return [name for names in workers(made) for name in names]
