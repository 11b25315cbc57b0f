"""The next decision, as time passes and the cluster changes."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from imagejob_operator.imagejob.decide import JobHistory, WriteStatus, decide, with_charge
from imagejob_operator.imagejob.inputs import QuotaPosition
from imagejob_operator.kube.worker import Worker
from support.api_objects import (
    EARLIER,
    NOW,
    PLATFORM,
    done,
    failed,
    image_job,
    inputs,
    pod,
    report,
    running,
    terminated,
    worker_job,
)
from support.deciding import decided, shown
from support.timings import SETTLE

CAT = image_job()
CARRIED = worker_job(CAT)
TICK = timedelta(milliseconds=100)
DISPATCHED = QuotaPosition(admitted_at=NOW, dispatch="ij-1")


def transitions(history: JobHistory) -> list[tuple[int, str, str]]:
    return [(entry.seq, entry.event, entry.reason) for entry in history.entries]


def test_the_first_entry_says_who_asked_for_it_and_when() -> None:
    asked = image_job(meta={"annotations": {"imagejob.dev/requested-by": "jane"}})
    trusting = msgspec.structs.replace(PLATFORM, trusts_requester=True)

    first = decide(
        inputs(asked, quota=QuotaPosition()), JobHistory(), trusting, NOW
    ).history.entries[0]

    assert (first.seq, first.event, first.reason) == (1, "Pending", "Requested")
    assert (first.actor, first.time) == ("jane", datetime.fromisoformat(EARLIER))


FOR_ANN = image_job(
    meta={
        "annotations": {
            "imagejob.dev/requested-by": "system:serviceaccount:team-a:imagejob-gateway",
            "imagejob.dev/on-behalf-of": "https://issuer.example#ann",
        }
    }
)


@pytest.mark.parametrize("trusted", [True, False])
def test_for_whom_a_gateway_asked_is_shown_where_a_policy_guarantees_it(*, trusted: bool) -> None:
    platform = msgspec.structs.replace(PLATFORM, trusts_requester=True, trusts_on_behalf_of=trusted)
    found = inputs(FOR_ANN)
    first = decide(found, JobHistory(), platform, NOW)

    written = decide(found, first.history, platform, NOW + SETTLE).action

    assert isinstance(written, WriteStatus)
    shown_as = "https://issuer.example#ann" if trusted else None
    assert written.status.on_behalf_of == shown_as
    assert written.status.audit[0].on_behalf_of == shown_as
    assert written.status.audit[0].actor == "system:serviceaccount:team-a:imagejob-gateway"
    assert [entry.on_behalf_of for entry in written.status.audit[1:]] == [None] * (
        len(written.status.audit) - 1
    )


def test_who_is_named_at_length_is_shortened_to_what_the_crd_takes() -> None:
    job = image_job(meta={"annotations": {"imagejob.dev/on-behalf-of": "i#" + "a" * 3000}})
    platform = msgspec.structs.replace(PLATFORM, trusts_on_behalf_of=True)

    entry = decide(inputs(job), JobHistory(), platform, NOW).history.entries[0]

    assert entry.on_behalf_of == "i#" + "a" * 1021 + "…"


def test_a_status_that_differs_without_a_transition_is_written_when_it_has_settled() -> None:
    told = shown(inputs(CAT))
    edited = msgspec.structs.replace(
        told, metadata=msgspec.structs.replace(told.metadata, generation=2)
    )

    first = decided(inputs(edited))
    then = decided(inputs(edited), first.history, NOW + SETTLE).action

    assert (first.action, first.look_again) == (None, NOW + SETTLE)
    assert isinstance(then, WriteStatus)
    assert (then.status.observed_generation, then.entries) == (2, ())


def test_a_clock_that_was_set_back_delays_no_status() -> None:
    told = shown(inputs(CAT))
    edited = msgspec.structs.replace(
        told, metadata=msgspec.structs.replace(told.metadata, generation=2)
    )

    first = decided(inputs(edited))
    then = decided(inputs(edited), first.history, NOW - timedelta(hours=1))

    assert isinstance(then.action, WriteStatus)


def test_before_the_quota_was_checked_nothing_is_written() -> None:
    decision = decide(inputs(CAT, quota=QuotaPosition()), JobHistory(), PLATFORM, NOW)

    assert decision.action is None
    assert decision.state.waits_for == "admission"
    assert transitions(decision.history) == [(1, "Pending", "Requested")]


def test_a_short_job_costs_one_write_with_its_whole_history() -> None:
    seen = [
        inputs(CAT, quota=QuotaPosition()),
        inputs(CAT, quota=DISPATCHED),
        inputs(CAT, Worker(CARRIED)),
        inputs(CAT, Worker(CARRIED, pod(state=running()))),
        inputs(CAT, Worker(CARRIED, pod(state=terminated(report(done()))))),
    ]
    history, writes = JobHistory(), []

    for step, now in zip(seen, (NOW + TICK * i for i in range(5)), strict=True):
        decision = decide(step, history, PLATFORM, now)
        history = decision.history
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
    history = decide(inputs(CAT), JobHistory(), PLATFORM, NOW).history

    assert transitions(history) == [
        (1, "Pending", "Requested"),
        (2, "Queued", "Admitted"),
        (3, "Queued", "WaitingForWorker"),
    ]


def test_an_intermediate_state_is_written_once_it_has_lasted_a_second() -> None:
    waiting = inputs(CAT, stores={})

    first = decide(waiting, JobHistory(), PLATFORM, NOW)
    early = decide(waiting, first.history, PLATFORM, NOW + SETTLE - TICK)
    due = decide(waiting, early.history, PLATFORM, NOW + SETTLE)

    assert first.action is None
    assert first.look_again == NOW + SETTLE
    assert early.action is None
    assert isinstance(due.action, WriteStatus)
    assert due.action.status.phase == "Pending"


def test_what_the_status_says_already_is_not_written_again() -> None:
    waiting = inputs(CAT, stores={})
    history = decide(waiting, JobHistory(), PLATFORM, NOW).history
    settled = inputs(shown(waiting), stores={})

    for memory_then in (history, JobHistory()):  # with the same process, and after a restart
        again = decide(settled, memory_then, PLATFORM, NOW + timedelta(hours=1))

        assert again.action is None
        assert again.history.entries == ()


def test_after_a_restart_the_sequence_goes_on() -> None:
    job = shown(inputs(CAT, stores={}, quota=QuotaPosition()))

    decision = decide(inputs(job, quota=DISPATCHED), JobHistory(), PLATFORM, NOW)

    assert transitions(decision.history) == [(3, "Queued", "Admitted"), (4, "Queued", "Dispatched")]


def test_a_charge_is_logged_with_the_ledger_s_time() -> None:
    charged = NOW - timedelta(seconds=90, microseconds=7)

    history = decide(
        inputs(CAT, quota=QuotaPosition(admitted_at=charged)), JobHistory(), PLATFORM, NOW
    ).history

    assert history.entries[1].reason == "Admitted"
    assert history.entries[1].time == charged


def test_a_charge_before_a_crash_is_logged_after_it() -> None:
    throttled = shown(inputs(CAT, stores={}, quota=QuotaPosition()))
    charged = NOW - timedelta(seconds=90)

    history = decide(
        inputs(throttled, quota=QuotaPosition(admitted_at=charged)), JobHistory(), PLATFORM, NOW
    ).history

    emitted = [entry for entry in history.entries if entry.reason == "Admitted"]
    assert [entry.time for entry in emitted] == [charged]


def test_a_charge_is_logged_once() -> None:
    waiting = inputs(CAT)
    history = decide(waiting, JobHistory(), PLATFORM, NOW).history

    unwritten = decide(waiting, history, PLATFORM, NOW + TICK).history
    job = shown(waiting, history)
    with_memory = decide(inputs(job), unwritten, PLATFORM, NOW + SETTLE).history
    after_restart = decide(inputs(job), JobHistory(), PLATFORM, NOW + SETTLE).history

    assert [entry.reason for entry in unwritten.entries].count("Admitted") == 1
    assert with_memory.entries == after_restart.entries == ()


def test_a_charge_whose_entry_has_left_the_status_is_not_logged_again() -> None:
    job = shown(inputs(CAT))
    newest = msgspec.structs.replace(job.status, audit=job.status.audit[-1:])

    history = decide(
        inputs(msgspec.structs.replace(job, status=newest)), JobHistory(), PLATFORM, NOW + SETTLE
    ).history

    assert history.entries == ()


def test_a_charge_of_one_that_may_be_deleted_is_logged() -> None:
    history = decide(inputs(CAT, quota=QuotaPosition()), JobHistory(), PLATFORM, NOW).history

    charged = with_charge(history, CAT, NOW)

    assert transitions(charged) == [(1, "Pending", "Requested"), (2, "Queued", "Admitted")]
    assert with_charge(charged, CAT, NOW) == charged


def test_no_charge_is_logged_where_there_was_none() -> None:
    history = decide(inputs(CAT, quota=QuotaPosition()), JobHistory(), PLATFORM, NOW).history

    assert with_charge(history, CAT, None) == history


def test_the_end_is_written_immediately() -> None:
    ended = inputs(CAT, Worker(CARRIED, pod(state=terminated(report(failed())))))

    decision = decide(ended, JobHistory(), PLATFORM, NOW)

    assert isinstance(decision.action, WriteStatus)
    assert decision.action.status.phase == "Failed"


def test_an_imagejob_that_may_not_wait_for_the_quota_fails_immediately() -> None:
    excess = inputs(
        CAT, quota=QuotaPosition(excess="the namespace's quota of 50 per 1h is used up")
    )

    decision = decide(excess, JobHistory(), PLATFORM, NOW)

    assert isinstance(decision.action, WriteStatus)
    assert decision.action.status.phase == "Failed"
    assert transitions(decision.history) == [
        (1, "Pending", "Requested"),
        (2, "Failed", "QuotaExceeded"),
    ]


def test_a_change_of_the_spec_is_observed() -> None:
    waiting = inputs(CAT, stores={})
    history = decide(waiting, JobHistory(), PLATFORM, NOW).history
    settled = shown(waiting)
    changed = msgspec.structs.replace(
        settled, metadata=msgspec.structs.replace(settled.metadata, generation=2)
    )

    later = decide(inputs(changed, stores={}), history, PLATFORM, NOW + SETTLE * 2).action

    assert isinstance(later, WriteStatus)
    assert later.status.observed_generation == 2
    assert later.status.audit == settled.status.audit
