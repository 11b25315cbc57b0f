"""A run whose worker fails: reported items count, and the others are lost, not forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagejob_cli.given import Given, gather
from imagejob_cli.local import Outcome, run
from imagejob_cli.process import Broken, Reported
from imagejob_cli.reading import Document
from imagejob_operator.config.platform import Platform
from imagejob_worker.contract import report
from support.imagejob_run import job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_operator.api.imagejob import ImageJob
    from imagejob_operator.contract.order import Order


class BreakingWorkplace:
    """Reports the second item of an order, then fails."""

    def carry_out(self, order: Order) -> Iterator[Reported | Broken | None]:
        failed = report.failed("TimedOut", "too slow", 7, None)
        yield None
        yield Reported(1, report.encode([None, failed, *[None] * (len(order.items) - 2)]))
        yield Broken("it fell over")


class Witness:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def started(self, job: ImageJob) -> None:
        self.seen.append(f"{job.metadata.name} started")

    def ended(self, outcome: Outcome) -> None:
        self.seen.append(f"{outcome.job.metadata.name} ended")

    def warn(self, message: str) -> None:
        self.seen.append(message)

    def tick(self) -> None:
        self.seen.append("tick")


@pytest.fixture
def given(tmp_path: Path) -> Given:
    documents = [Document(name, job(name, "cat.jpg")) for name in ("a", "b", "c")]
    return gather(documents, {"uploads": tmp_path}, "default")


def test_a_worker_that_fails(given: Given) -> None:
    witness = Witness()

    outcomes = run(given, Platform("", parallelism=2), BreakingWorkplace(), witness)

    found = [(each.job.metadata.name, *ready(each)) for each in outcomes]
    lost = ("Failed", "WorkerLost", "the worker pod ended without a report: exit code 1")
    assert found == [("a", *lost), ("b", "Failed", "TimedOut", "too slow"), ("c", *lost)]
    assert witness.seen == [
        "a started",
        "b started",
        "tick",
        "b ended",
        "c started",
        "the worker failed: it fell over (--verbose shows more)",
        "a ended",
        "c ended",
    ]


def ready(outcome: Outcome) -> tuple[str | None, str, str]:
    (condition,) = (each for each in outcome.status.conditions if each.type == "Ready")
    return outcome.status.phase, condition.reason, condition.message
