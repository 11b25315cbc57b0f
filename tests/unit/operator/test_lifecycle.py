"""What is decided next, as time goes by and the world changes."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from api_objects import (
    EARLIER,
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
from deciding import shown
from imagejob_operator.imagejob.decide import SETTLE, Memory, WriteStatus, decide, with_charge
from imagejob_operator.imagejob.inputs import Place
from imagejob_operator.kube.worker import Worker

CAT = image_job()
CARRIED = worker_job(CAT)
TICK = timedelta(milliseconds=100)
DISPATCHED = Place(admitted_at=NOW, dispatch="ij-1")


def history(memory: Memory) -> list[tuple[int, str, str]]:
    return [(entry.seq, entry.event, entry.reason) for entry in memory.entries]


def test_the_first_entry_says_who_asked_for_it_and_when() -> None:
    asked = image_job(meta={"annotations": {"imagejob.dev/requested-by": "jane"}})
    trusting = msgspec.structs.replace(PLATFORM, trusts_requester=True)

    first = decide(situation(asked, place=Place()), Memory(), trusting, NOW).memory.entries[0]

    assert (first.seq, first.event, first.reason) == (1, "Pending", "Requested")
    assert (first.actor, first.time) == ("jane", datetime.fromisoformat(EARLIER))


def test_nobody_has_looked_at_the_quota_yet_and_nothing_else_has_happened() -> None:
    decision = decide(situation(CAT, place=Place()), Memory(), PLATFORM, NOW)

    assert decision.action is None
    assert decision.standing.wish == "admission"
    assert history(decision.memory) == [(1, "Pending", "Requested")]


def test_a_short_job_costs_one_write_with_its_whole_history() -> None:
    seen = [
        situation(CAT, place=Place()),
        situation(CAT, place=DISPATCHED),
        situation(CAT, Worker(CARRIED)),
        situation(CAT, Worker(CARRIED, pod(state=running()))),
        situation(CAT, Worker(CARRIED, pod(state=terminated(report(done()))))),
    ]
    memory, writes = Memory(), []

    for step, now in zip(seen, (NOW + TICK * i for i in range(5)), strict=True):
        decision = decide(step, memory, PLATFORM, now)
        memory = decision.memory
        writes += [decision.action] if isinstance(decision.action, WriteStatus) else []

    assert len(writes) == 1
    status = writes[0].status
    assert status.phase == "Succeeded"
    assert [(entry.seq, entry.event, entry.reason) for entry in status.audit] == [
        (1, "Pending", "Requested"),
        (2, "Queued", "Admitted"),
        (3, "Queued", "Dispatched"),
        (4, "Running", "Processing"),
        (5, "Succeeded", "Succeeded"),
    ]


def test_one_that_waits_for_a_place_says_so() -> None:
    memory = decide(situation(CAT), Memory(), PLATFORM, NOW).memory

    assert history(memory) == [
        (1, "Pending", "Requested"),
        (2, "Queued", "Admitted"),
        (3, "Queued", "WaitingForWorker"),
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
    settled = situation(shown(waiting), stores={})

    for memory_then in (memory, Memory()):  # with the same process, and after a restart
        again = decide(settled, memory_then, PLATFORM, NOW + timedelta(hours=1))

        assert again.action is None
        assert again.memory.entries == ()


def test_after_a_restart_the_sequence_goes_on() -> None:
    job = shown(situation(CAT, stores={}, place=Place()))

    decision = decide(situation(job, place=DISPATCHED), Memory(), PLATFORM, NOW)

    assert history(decision.memory) == [(3, "Queued", "Admitted"), (4, "Queued", "Dispatched")]


def test_a_charge_is_told_with_the_ledger_s_time() -> None:
    charged = NOW - timedelta(seconds=90, microseconds=7)

    memory = decide(
        situation(CAT, place=Place(admitted_at=charged)), Memory(), PLATFORM, NOW
    ).memory

    assert memory.entries[1].reason == "Admitted"
    assert memory.entries[1].time == charged


def test_a_charge_before_a_crash_is_told_after_it() -> None:
    throttled = shown(situation(CAT, stores={}, place=Place()))
    charged = NOW - timedelta(seconds=90)

    memory = decide(
        situation(throttled, place=Place(admitted_at=charged)), Memory(), PLATFORM, NOW
    ).memory

    told = [entry for entry in memory.entries if entry.reason == "Admitted"]
    assert [entry.time for entry in told] == [charged]


def test_a_charge_is_told_once() -> None:
    waiting = situation(CAT)
    memory = decide(waiting, Memory(), PLATFORM, NOW).memory

    unwritten = decide(waiting, memory, PLATFORM, NOW + TICK).memory
    job = shown(waiting, memory)
    with_memory = decide(situation(job), unwritten, PLATFORM, NOW + SETTLE).memory
    after_restart = decide(situation(job), Memory(), PLATFORM, NOW + SETTLE).memory

    assert [entry.reason for entry in unwritten.entries].count("Admitted") == 1
    assert with_memory.entries == after_restart.entries == ()


def test_a_charge_whose_entry_has_gone_from_the_status_is_not_told_again() -> None:
    job = shown(situation(CAT))
    newest = msgspec.structs.replace(job.status, audit=job.status.audit[-1:])

    memory = decide(
        situation(msgspec.structs.replace(job, status=newest)), Memory(), PLATFORM, NOW + SETTLE
    ).memory

    assert memory.entries == ()


def test_a_charge_is_told_of_one_that_may_be_gone() -> None:
    memory = decide(situation(CAT, place=Place()), Memory(), PLATFORM, NOW).memory

    charged = with_charge(memory, CAT, NOW)

    assert history(charged) == [(1, "Pending", "Requested"), (2, "Queued", "Admitted")]
    assert with_charge(charged, CAT, NOW) == charged


def test_no_charge_is_told_where_there_was_none() -> None:
    memory = decide(situation(CAT, place=Place()), Memory(), PLATFORM, NOW).memory

    assert with_charge(memory, CAT, None) == memory


def test_the_end_is_written_at_once() -> None:
    ended = situation(CAT, Worker(CARRIED, pod(state=terminated(report(failed())))))

    decision = decide(ended, Memory(), PLATFORM, NOW)

    assert isinstance(decision.action, WriteStatus)
    assert decision.action.status.phase == "Failed"


def test_what_may_not_wait_for_the_quota_fails_at_once() -> None:
    excess = situation(CAT, place=Place(excess="the namespace's quota of 50 per 1h is used up"))

    decision = decide(excess, Memory(), PLATFORM, NOW)

    assert isinstance(decision.action, WriteStatus)
    assert decision.action.status.phase == "Failed"
    assert history(decision.memory) == [(1, "Pending", "Requested"), (2, "Failed", "QuotaExceeded")]


def test_a_change_of_the_spec_is_observed() -> None:
    waiting = situation(CAT, stores={})
    memory = decide(waiting, Memory(), PLATFORM, NOW).memory
    settled = shown(waiting)
    changed = msgspec.structs.replace(
        settled, metadata=msgspec.structs.replace(settled.metadata, generation=2)
    )

    later = decide(situation(changed, stores={}), memory, PLATFORM, NOW + SETTLE * 2).action

    assert isinstance(later, WriteStatus)
    assert later.status.observed_generation == 2
    assert later.status.audit == settled.status.audit
