"""The decision when a worker is rejected, fails, is removed or does not come."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from imagejob_operator.imagejob.decide import FindPod, Inquire, JobHistory, WriteStatus
from imagejob_operator.imagejob.inputs import QuotaPosition
from imagejob_operator.kube.worker import Worker
from support.api_objects import (
    EARLIER,
    NOW,
    carried,
    failed,
    image_job,
    inputs,
    pod,
    report,
    running,
    terminated,
    waiting,
    worker_job,
    written,
)
from support.deciding import decided
from support.timings import PATIENCE, REFUSED_FOR, REPLACED_AFTER, SETTLE

CAT = image_job()
CARRIED = worker_job(CAT)
CREATED = datetime.fromisoformat(EARLIER)
AT_WORK = pod(state=running())
TICK = timedelta(milliseconds=100)


def reasons(history: JobHistory) -> list[str]:
    return [entry.reason for entry in history.entries]


def test_a_refused_worker_is_shown_and_tried_again_later() -> None:
    history = decided(inputs(CAT)).history.refused("exceeded quota: pods", NOW + REFUSED_FOR)

    shown = decided(inputs(CAT), history)
    write = decided(inputs(CAT), shown.history, NOW + SETTLE)
    again = decided(inputs(CAT), write.history, NOW + REFUSED_FOR)

    assert shown.action is None
    assert isinstance(write.action, WriteStatus)
    assert write.action.status.audit[-1].reason == "WorkerRefused"
    assert (write.state.waits_for, write.look_again) == (None, NOW + REFUSED_FOR)
    assert again.state.waits_for == "worker"
    assert reasons(again.history)[-2:] == ["WaitingForWorker", "WorkerRefused"]


def test_a_change_that_is_due_before_the_status_is_written_comes_first() -> None:
    soon = NOW + SETTLE / 2
    history = decided(inputs(CAT)).history.refused("exceeded quota: pods", soon)

    assert decided(inputs(CAT), history).look_again == soon


def test_a_refusal_stays_shown_until_a_pod_is_there() -> None:
    history = decided(inputs(CAT)).history.refused("exceeded quota: pods", NOW + REFUSED_FOR)
    later = NOW + REFUSED_FOR
    promised = inputs(CAT, quota=QuotaPosition(admitted_at=NOW, dispatch="ij-1"))

    tried = decided(promised, history, later)
    made = decided(carried(by=worker_job(CAT, creationTimestamp=None)), tried.history, later + TICK)
    started = decided(carried(AT_WORK), made.history, later + TICK * 2)

    assert tried.state.reason == "WorkerRefused"
    assert made.history.refusal == history.refusal
    assert started.history.refusal is None
    assert started.state.reason == "Processing"


def test_what_was_found_about_a_pod_is_dropped_once_the_worker_has_gone() -> None:
    stuck = pod(phase="Pending")
    due = CREATED + PATIENCE
    asked = decided(carried(stuck), now=due).history
    history = asked.refused("", due + REFUSED_FOR, stuck.metadata.name)

    meanwhile = decided(carried(stuck), history, due + TICK)
    waits = decided(inputs(CAT), history, due + TICK)
    dispatched = decided(
        inputs(CAT, quota=QuotaPosition(admitted_at=NOW, dispatch="ij-2")), history, due + TICK
    )
    next_worker = decided(carried(by=worker_job(CAT, name="ij-2")), history, due + TICK)

    assert meanwhile.history.refusal == history.refusal
    assert waits.history.refusal is None
    assert waits.state.waits_for == "worker"
    assert dispatched.state.reason == "Dispatched"
    assert next_worker.history.refusal is None
    assert next_worker.state.reason == "Dispatched"


def test_the_cluster_is_asked_why_a_worker_gets_no_pod() -> None:
    early = decided(carried(), now=CREATED + PATIENCE - TICK)
    due = decided(carried(), early.history, CREATED + PATIENCE)
    answered = due.history.refused("exceeded quota: pods", CREATED + PATIENCE + REFUSED_FOR)
    known = decided(carried(), answered, CREATED + PATIENCE + TICK)
    again = decided(carried(), known.history, CREATED + PATIENCE + REFUSED_FOR)

    assert early.action is None
    assert due.action == Inquire(CAT, Worker(CARRIED))
    assert not isinstance(known.action, Inquire)
    assert known.state.reason == "WorkerRefused"
    assert isinstance(again.action, Inquire)


def test_why_is_asked_again_while_it_lasts() -> None:
    due = CREATED + PATIENCE
    history = decided(carried(), now=due).history.refused("exceeded quota: pods", due + REFUSED_FOR)
    write = decided(carried(), history, due + TICK)

    told = decided(carried(), write.history, due + TICK + SETTLE)

    assert told.look_again == due + REFUSED_FOR


def test_of_a_worker_that_has_given_up_only_its_pod_is_asked_for() -> None:
    gave_up = {"conditions": [{"type": "Failed", "status": "True", "message": "no more pods"}]}
    job = image_job(retries=0)
    known = carried(None, worker_job(job, status=gave_up), job)

    asks = decided(known, now=CREATED + PATIENCE)
    assert isinstance(asks.action, FindPod)
    confirmed = msgspec.structs.replace(asks.history, missing=asks.action.unconfirmed)
    ended = decided(known, confirmed, CREATED + PATIENCE)

    assert isinstance(ended.action, WriteStatus)


def test_a_worker_that_may_still_start_is_not_replaced() -> None:
    unpulled = pod(phase="Pending", state=waiting("ErrImagePull"))
    history = decided(carried(unpulled), now=CREATED).history
    write = decided(carried(unpulled), history, CREATED + SETTLE)
    assert isinstance(write.action, WriteStatus)
    told = written(CAT, write.action.status)

    waits = decided(carried(unpulled, job=told), write.history, CREATED + SETTLE + TICK)

    assert waits.action is None
    assert waits.look_again == CREATED + REPLACED_AFTER


def test_a_failed_attempt_is_written_with_when_it_is_tried_again() -> None:
    ended = carried(pod(state=terminated(report(failed("TimedOut", "longer than 120 s")))))
    history = decided(ended).history

    write = decided(ended, history, NOW + SETTLE).action

    assert isinstance(write, WriteStatus)
    assert (write.status.phase, write.status.attempts) == ("Queued", 1)
    assert write.status.last_failure is not None
    assert write.status.queue is not None
    assert write.status.queue.eligible_at is not None


def test_what_a_failed_attempt_says_does_not_change_when_its_worker_has_gone() -> None:
    ended = carried(pod(state=terminated(report(failed("TimedOut", "longer than 120 s")))))
    history = decided(ended).history
    write = decided(ended, history, NOW + SETTLE).action
    assert isinstance(write, WriteStatus)
    told = written(CAT, write.status)

    for memory_then in (history, JobHistory()):  # with the same process, and after a restart
        later = decided(inputs(told), memory_then, NOW + SETTLE * 2)

        assert later.action is None
        assert later.state.queue == write.status.queue
