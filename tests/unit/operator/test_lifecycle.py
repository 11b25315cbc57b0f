"""What is decided next, as time goes by and the world changes."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from api_objects import (
    NOW,
    PLATFORM,
    done,
    failed,
    image_job,
    pod,
    report,
    running,
    situation,
    terminated,
    worker_job,
)
from imagejob_operator.domain.lifecycle import (
    REFUSED_FOR,
    SETTLE,
    Dispatch,
    Memory,
    WriteStatus,
    decide,
)
from imagejob_operator.domain.model import ImageJob, ImageJobStatus
from imagejob_operator.domain.worker import Worker

CAT = image_job()
CARRIED = worker_job(CAT)
TICK = timedelta(milliseconds=100)


def written(job: ImageJob, status: ImageJobStatus) -> ImageJob:
    """The ImageJob as it reads after the status write."""
    stored = msgspec.json.decode(msgspec.json.encode(status), type=ImageJobStatus)
    return msgspec.structs.replace(job, status=stored)


def test_what_could_run_is_dispatched_at_once_and_nothing_is_written() -> None:
    decision = decide(situation(CAT), Memory(), PLATFORM, NOW)

    assert isinstance(decision.action, Dispatch)
    assert decision.action.number == 1
    assert [entry.reason for entry in decision.memory.entries] == ["Admitted"]


def test_a_short_job_costs_one_write_with_its_whole_history() -> None:
    seen = [
        situation(CAT),
        situation(CAT, Worker(CARRIED)),
        situation(CAT, Worker(CARRIED, pod(state=running()))),
        situation(CAT, Worker(CARRIED, pod(state=terminated(report(done()))))),
    ]
    memory, writes = Memory(), []

    for step, now in zip(seen, (NOW + TICK * i for i in range(4)), strict=True):
        decision = decide(step, memory, PLATFORM, now)
        memory = decision.memory
        writes += [decision.action] if isinstance(decision.action, WriteStatus) else []

    assert len(writes) == 1
    status = writes[0].status
    assert status.phase == "Succeeded"
    assert [(entry.seq, entry.event, entry.reason) for entry in status.audit] == [
        (1, "Queued", "Admitted"),
        (2, "Queued", "Dispatched"),
        (3, "Running", "Processing"),
        (4, "Succeeded", "Succeeded"),
    ]


def test_an_intermediate_state_is_written_once_it_has_lasted_a_second() -> None:
    waiting = situation(CAT, stores={})

    first = decide(waiting, Memory(), PLATFORM, NOW)
    early = decide(waiting, first.memory, PLATFORM, NOW + SETTLE - TICK)
    due = decide(waiting, early.memory, PLATFORM, NOW + SETTLE)

    assert first.action is None
    assert first.look_again == NOW + SETTLE
    assert early.action is None
    assert isinstance(due.action, WriteStatus)
    assert due.action.status.phase == "Pending"


def test_what_the_status_says_already_is_not_written_again() -> None:
    waiting = situation(CAT, stores={})
    memory = decide(waiting, Memory(), PLATFORM, NOW).memory
    write = decide(waiting, memory, PLATFORM, NOW + SETTLE).action
    assert isinstance(write, WriteStatus)
    shown = situation(written(CAT, write.status), stores={})

    for memory_then in (memory, Memory()):  # with the same process, and after a restart
        again = decide(shown, memory_then, PLATFORM, NOW + timedelta(hours=1))

        assert again.action is None
        assert again.memory.entries == ()


def test_after_a_restart_the_sequence_goes_on() -> None:
    waiting = situation(CAT, stores={})
    memory = decide(waiting, Memory(), PLATFORM, NOW).memory
    write = decide(waiting, memory, PLATFORM, NOW + SETTLE).action
    assert isinstance(write, WriteStatus)

    decision = decide(situation(written(CAT, write.status)), Memory(), PLATFORM, NOW)

    assert [(entry.seq, entry.reason) for entry in decision.memory.entries] == [(2, "Admitted")]


def test_the_end_is_written_at_once() -> None:
    ended = situation(CAT, Worker(CARRIED, pod(state=terminated(report(failed())))))

    decision = decide(ended, Memory(), PLATFORM, NOW)

    assert isinstance(decision.action, WriteStatus)
    assert decision.action.status.phase == "Failed"


def test_a_refused_worker_is_shown_and_tried_again_later() -> None:
    memory = decide(situation(CAT), Memory(), PLATFORM, NOW).memory
    memory = memory.refused("exceeded quota: pods", NOW)

    shown = decide(situation(CAT), memory, PLATFORM, NOW)
    write = decide(situation(CAT), shown.memory, PLATFORM, NOW + SETTLE)
    again = decide(situation(CAT), write.memory, PLATFORM, NOW + REFUSED_FOR)

    assert shown.action is None
    assert isinstance(write.action, WriteStatus)
    assert write.action.status.audit[-1].reason == "WorkerRefused"
    assert write.look_again == NOW + REFUSED_FOR
    assert isinstance(again.action, Dispatch)
    assert [entry.reason for entry in again.memory.entries] == ["Admitted", "WorkerRefused"]


def test_a_change_of_the_spec_is_observed() -> None:
    waiting = situation(CAT, stores={})
    memory = decide(waiting, Memory(), PLATFORM, NOW).memory
    write = decide(waiting, memory, PLATFORM, NOW + SETTLE).action
    assert isinstance(write, WriteStatus)
    shown = written(CAT, write.status)
    changed = msgspec.structs.replace(
        shown, metadata=msgspec.structs.replace(shown.metadata, generation=2)
    )

    later = decide(situation(changed, stores={}), memory, PLATFORM, NOW + SETTLE * 2).action

    assert isinstance(later, WriteStatus)
    assert later.status.observed_generation == 2
    assert later.status.audit == shown.status.audit
