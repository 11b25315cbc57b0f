"""Transitions back and forth without effect: how many lines, what they say, and when."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imagejob_operator.api.imagejob import ImageJob, ImageJobStatus
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.status_writer import StatusWriter
from imagejob_operator.imagejob.audit_merging import HELD, Run
from imagejob_operator.imagejob.decide import Decision, WriteStatus, decide
from imagejob_operator.imagejob.inputs import Inputs, QuotaPosition
from imagejob_operator.kube.errors import ConflictError
from imagejob_operator.kube.worker import Worker
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.quota.position import QueuePosition
from support.api_objects import NOW, PLATFORM, image_job, inputs, pod, running, store, worker_job
from support.examples import examples
from support.queues import StillQueue
from support.timings import SETTLE

STATES = ("suspended", "throttled", "no store")
WRITES_A_MINUTE = 8
SECOND = timedelta(seconds=1)


class Teller:
    """One ImageJob under an operator. Every so many of its status writes are rejected."""

    metrics = Metrics()

    def __init__(self, refuses: int = 0) -> None:
        self.now = NOW
        self.lines: list[dict[str, Any]] = []
        self.printed: list[datetime] = []
        self.job = image_job()
        self.moves = 0
        self.state = "throttled"
        self._writes, self._refuses = 0, refuses
        self._histories = JobHistories()
        cluster: Any = self
        self._writer = StatusWriter(
            cluster,
            ClusterCache(),
            StillQueue(),
            self._histories,
            instance="op",
            write_audit=self._tell,
            clock=self._clock,
        )
        self.look()

    def _clock(self) -> datetime:
        return self.now

    def _tell(self, line: bytes) -> None:
        self.lines.append(msgspec.json.decode(line))
        self.printed.append(self.now)

    async def write_status(self, job: ImageJob, status: ImageJobStatus) -> ImageJob:
        self._writes += 1
        if self._refuses and self._writes % self._refuses == 0:
            raise ConflictError(409, "it has been changed")
        text = msgspec.json.encode(status)
        self.job = msgspec.structs.replace(job, status=msgspec.json.decode(text, type=type(status)))
        return self.job

    def _known(self) -> Inputs:
        spec = msgspec.structs.replace(self.job.spec, suspend=self.state == "suspended")
        job = msgspec.structs.replace(self.job, spec=spec)
        stores = {} if self.state == "no store" else {"uploads": store()}
        if self.state == "at work":
            worker = Worker(worker_job(job), pod(state=running()))
            return inputs(job, worker, quota=QuotaPosition(admitted_at=NOW))
        return inputs(
            job, stores=stores, quota=QuotaPosition(position=QueuePosition(1, NOW + HELD))
        )

    def look(self) -> Decision:
        """Decide as the operator does, and write the result."""
        history = self._histories.of("uid-cat")
        decision = decide(self._known(), history, PLATFORM, self.now)
        self._histories.keep("uid-cat", decision.history)
        if isinstance(decision.action, WriteStatus):
            asyncio.run(self._writer.write(decision.action))
        return decision

    def move(self, state: str) -> None:
        self.moves += state != self.state
        self.state = state
        self.look()

    def wait(self, time: timedelta) -> None:
        """Let time pass, and look whenever a look was scheduled."""
        end = self.now + time
        while True:
            at = self.look().look_again
            if at is None or not self.now < at <= end:
                break
            self.now = at
        self.now = end
        self.look()


def kinds(lines: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(line["reason"], line.get("count", 1)) for line in lines]


def test_hundreds_of_flips_in_a_moment_are_two_lines() -> None:
    teller = Teller()
    teller.wait(5 * SECOND)
    before = len(teller.lines)

    for number in range(354):
        teller.move("suspended" if number % 2 == 0 else "throttled")
        teller.wait(SECOND * 15 / 354)
    teller.wait(2 * SECOND)

    assert kinds(teller.lines[before:]) == [("Suspended", 177), ("QuotaUsedUp", 177)]
    entries = teller.job.status.audit[-2:]
    assert [(each.reason, each.count) for each in entries] == [
        ("Suspended", 177),
        ("QuotaUsedUp", 177),
    ]


def test_a_change_by_hand_is_logged_immediately() -> None:
    teller = Teller()
    teller.wait(5 * SECOND)

    for state in ("suspended", "throttled", "suspended"):
        teller.move(state)
        teller.wait(SETTLE)
        assert teller.job.status.audit[-1].reason == teller.lines[-1]["reason"]

    assert kinds(teller.lines)[-3:] == [("Suspended", 1), ("QuotaUsedUp", 1), ("Suspended", 1)]


def test_what_matters_is_never_held_back() -> None:
    teller = Teller()
    for number in range(40):
        teller.move(STATES[number % 2])
        teller.wait(1.5 * SECOND)

    teller.move("at work")
    teller.wait(SETTLE)

    assert teller.job.status.phase == "Running"
    assert kinds(teller.lines)[-2:] == [("Admitted", 1), ("Processing", 1)]


MOVES = st.lists(
    st.tuples(st.sampled_from(STATES), st.integers(1, 4000) | st.integers(1, 90_000)), max_size=60
)


@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow])
@given(moves=MOVES, refuses=st.sampled_from([0, 2, 3]))
def test_any_flips_at_any_times_are_few_lines_that_add_up(
    moves: list[tuple[str, int]], refuses: int
) -> None:
    teller = Teller(refuses)
    for state, millis in moves:
        teller.move(state)
        teller.wait(timedelta(milliseconds=millis))
    teller.wait(HELD + 2 * SETTLE)

    begin, *told = teller.lines
    seqs = [line["seq"] for line in teller.lines]
    assert seqs == list(range(1, len(seqs) + 1))
    assert begin["reason"] == "Requested"
    assert sum(line.get("count", 1) for line in told) == teller.moves + 1
    for at in teller.printed:
        within = sum(at <= each < at + HELD for each in teller.printed)
        assert within <= WRITES_A_MINUTE * len(STATES) + 2
    last = {"suspended": "Suspended", "throttled": "QuotaUsedUp", "no store": "StoreNotFound"}
    assert told[-1]["reason"] == last[teller.state]
    assert teller.job.status.audit[-1].reason == last[teller.state]


@pytest.mark.parametrize("every", [0.04, 0.9, 1.1, 3.0, 20.0])
def test_endless_changes_are_logged_within_a_bound(every: float) -> None:
    teller = Teller()
    minutes = 4 if every < 0.1 else 20
    for number in range(int(minutes * 60 / every)):
        teller.move(STATES[number % 2])
        teller.now += timedelta(seconds=every)
        teller.look()

    gaps = [b - a for a, b in zip(teller.printed, teller.printed[1:], strict=False)]
    assert len(teller.lines) <= WRITES_A_MINUTE * 2 + minutes * 4
    assert max(gaps) <= HELD + timedelta(seconds=2 * every) + SETTLE


def test_a_run_is_as_long_as_there_is_anything() -> None:
    assert Run().due(NOW) == NOW
    assert Run(length=3, began=NOW).ended() == Run()
