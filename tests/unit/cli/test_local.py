"""A run takes manifests as it goes; what has ended counts, whatever stops it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from imagejob_cli.given import Intake, Task
from imagejob_cli.local import Outcome, Run
from imagejob_cli.process import Broken, Reported
from imagejob_cli.reading import Text
from imagejob_operator.config.platform import Platform
from imagejob_worker.contract import report
from support.imagejob_run import job

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from imagejob_cli.reading import Document
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

    def taken(self, jobs: Sequence[ImageJob], *, complete: bool) -> None:
        self.seen.append(f"{len(jobs)} taken{', the last' if complete else ''}")

    def started(self, job: ImageJob) -> None:
        self.seen.append(f"{job.metadata.name} started")

    def ended(self, outcome: Outcome) -> None:
        self.seen.append(f"{outcome.job.metadata.name} ended")

    def warn(self, message: str) -> None:
        self.seen.append(message)

    def tick(self) -> None:
        self.seen.append("tick")


class FailingWorkplace:
    """Reports each item of an order."""

    def carry_out(self, order: Order) -> Iterator[Reported | Broken | None]:
        failed = report.failed("TimedOut", "too slow", 7, None)
        for at in range(len(order.items)):
            others = [None] * (len(order.items) - 1)
            yield Reported(at, report.encode([*others[:at], failed, *others[at:]]))


class Terminated(BaseException):
    """What the handler of a signal raises."""


def tasks(folder: Path, names: Iterable[str], parsed: list[str]) -> Iterator[Task]:
    """The tasks of manifests, each in a file of its own; `parsed` gets those that were read."""

    class Noted(Text):
        def documents(self) -> Iterator[Document]:
            parsed.append(self.file)
            return super().documents()

    texts = [Noted(name, json.dumps(job(name, "cat.jpg")).encode()) for name in names]
    return Intake(texts, {"uploads": folder}, "default", pytest.fail).tasks()


def a_run(folder: Path, workplace: object, witness: Witness) -> Run:
    return Run({"uploads": folder}, Platform("", parallelism=2), workplace, witness)  # type: ignore[arg-type]


def test_the_first_has_ended_before_the_others_are_read(tmp_path: Path) -> None:
    parsed: list[str] = []
    read_at_first: list[int] = []
    witness = Witness()
    witness.ended = lambda _: read_at_first.append(len(parsed))  # type: ignore[method-assign]
    run = a_run(tmp_path, FailingWorkplace(), witness)

    run.carry_out(tasks(tmp_path, [f"job-{each}" for each in range(200)], parsed))

    assert (read_at_first[0], len(parsed)) == (24, 200)
    assert [each.job.metadata.name for each in run.outcomes] == parsed


def test_what_has_ended_is_known_after_a_signal(tmp_path: Path) -> None:
    witness = Witness()

    def ended(outcome: Outcome) -> None:
        if outcome.job.metadata.name == "job-30":
            raise Terminated

    witness.ended = ended  # type: ignore[method-assign]
    run = a_run(tmp_path, FailingWorkplace(), witness)

    with pytest.raises(Terminated):
        run.carry_out(tasks(tmp_path, [f"job-{each}" for each in range(100)], []))

    assert [each.job.metadata.name for each in run.outcomes] == [f"job-{n}" for n in range(31)]


def test_a_worker_that_fails(tmp_path: Path) -> None:
    witness = Witness()
    run = a_run(tmp_path, BreakingWorkplace(), witness)

    run.carry_out(tasks(tmp_path, ("a", "b", "c"), []))

    found = [(each.job.metadata.name, *ready(each)) for each in run.outcomes]
    lost = ("Failed", "WorkerLost", "the worker pod ended without a report: exit code 1")
    assert found == [("a", *lost), ("b", "Failed", "TimedOut", "too slow"), ("c", *lost)]
    assert witness.seen == [
        "3 taken, the last",
        "a started",
        "b started",
        "tick",
        "b ended",
        "c started",
        "the worker failed: it fell over (--verbose shows more)",
        "a ended",
        "c ended",
    ]


class ForgetfulWorkplace:
    """Says of each item that it takes so many MiB, where it has less; else that it is damaged."""

    def __init__(self, mebibytes: int) -> None:
        self._needed = mebibytes << 20
        self.orders: list[tuple[int, int, int]] = []

    def carry_out(self, order: Order) -> Iterator[Reported | Broken | None]:
        self.orders.append((len(order.items), order.child_memory_bytes >> 20, order.parallelism))
        source = report.source(9, bytes(31) + b"1", "webp", 7000, 7000, 1)
        for index in range(len(order.items)):
            entries: list[report.Entry | None] = [None] * len(order.items)
            entries[index] = (
                report.Needs(source, self._needed)
                if order.child_memory_bytes < self._needed
                else report.failed("CorruptImage", "damaged", 7, source)
            )
            yield Reported(index, report.encode(entries))


def test_what_needs_more_memory_gets_it_one_by_one_before_the_next_are_read(
    tmp_path: Path,
) -> None:
    witness, place = Witness(), ForgetfulWorkplace(1200)
    names = [f"job-{each}" for each in range(25)]
    run = a_run(tmp_path, place, witness)

    run.carry_out(tasks(tmp_path, names, []))

    assert [ready(each) for each in run.outcomes] == [("Failed", "CorruptImage", "damaged")] * 25
    assert place.orders == [(24, 768, 2), (24, 2816, 1), (1, 768, 1), (1, 2816, 1)]
    assert {each.status.attempts for each in run.outcomes} == {1}
    ended = [each for each in witness.seen if each.endswith("ended")]
    assert ended == [f"{name} ended" for name in names]


@pytest.mark.parametrize("mebibytes", [2817, 9000])
def test_what_needs_more_than_there_is_is_too_large(tmp_path: Path, mebibytes: int) -> None:
    place = ForgetfulWorkplace(mebibytes)
    run = a_run(tmp_path, place, Witness())

    run.carry_out(tasks(tmp_path, ("a", "b", "c"), []))

    assert {ready(each)[:2] for each in run.outcomes} == {("Failed", "TooLarge")}
    assert place.orders == [(3, 768, 2)]


def ready(outcome: Outcome) -> tuple[str | None, str, str]:
    (condition,) = (each for each in outcome.status.conditions if each.type == "Ready")
    return outcome.status.phase, condition.reason, condition.message
