"""Workers that end at no cost, taken away or never started: but somebody should see it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.last_failure import is_spent
from imagejob_operator.imagejob import retry
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.inputs import Inputs, JobState
from imagejob_operator.imagejob.outcome import MAX_DISRUPTIONS
from imagejob_operator.imagejob.resolve import Resolved
from imagejob_operator.kube.pod import SILENCE, UNSEEN, Pod
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.worker import DISRUPTED, Worker, WorkerJob
from support.api_objects import (
    DIGEST,
    EARLIER,
    NOW,
    PLATFORM,
    carried,
    disrupted,
    done,
    failed,
    image_job,
    inputs,
    last_failure,
    pod,
    read,
    report,
    running,
    store,
    suspended,
    terminated,
    waiting,
    worker_job,
)
from support.deciding import decided, shown
from support.resolving import resolve
from support.timings import SETTLE

CAT, DOG = image_job(retries=0), image_job("dog")
CARRIED = worker_job(CAT)
CREATED = datetime.fromisoformat(EARLIER)
STARTED = datetime.fromisoformat("2026-11-22T09:59:58Z")
ALLOWED = 180
EVICTED = pod(state=terminated("", 137), **disrupted())


def gave_up(reason: str) -> WorkerJob:
    condition = {"type": "Failed", "status": "True", "reason": reason}
    return worker_job(CAT, status={"conditions": [condition]})


def of(its_pod: Pod | None = None, by: WorkerJob = CARRIED, **more: Any) -> Inputs:
    return inputs(CAT, Worker(by, its_pod, **more))


def standing_of(known: Inputs, now: datetime = NOW) -> JobState:
    return evaluate(known, PLATFORM, now)


def next_order(job: ImageJob) -> Resolved:
    answer = resolve(job, None, {"uploads": store()}, PLATFORM)
    assert isinstance(answer, Resolved)
    return answer


UNSEEN_POD = pod(state=running(), phase=UNSEEN)
BY_API = ": EvictionByEvictionAPI"
TAKEN = {
    "while it ran": (of(EVICTED), BY_API),
    "by the kubelet": (
        of(
            pod(
                state=terminated("", 137),
                **disrupted("TerminationByKubelet", reason="Evicted", message="low on memory"),
            )
        ),
        ": Evicted: low on memory",
    ),
    "and it has gone": (of(past=(EVICTED,)), BY_API),
    "and its Job says so already": (of(EVICTED, gave_up(DISRUPTED)), BY_API),
    "while nobody looked": (of(None, gave_up(DISRUPTED), past=(UNSEEN_POD,)), ""),
    "while there was no operator": (of(None, gave_up(DISRUPTED)), ""),
    "and then somebody deleted its Job": (of(past=(EVICTED,), is_gone=True), BY_API),
    "by who suspended its Job": (of(pod(state=terminated("", 143)), suspended(CAT)), ""),
}


@pytest.mark.parametrize(("known", "words"), TAKEN.values(), ids=TAKEN)
def test_a_pod_that_the_cluster_took_away_costs_no_attempt(known: Inputs, words: str) -> None:
    standing = standing_of(known)

    assert (standing.phase, standing.reason) == ("Queued", Reason.EVICTED)
    assert standing.message == f"the cluster removed its pod{words}; another worker follows"
    assert (standing.failure, standing.disruptions) == (None, 1)
    assert standing.queue is None  # another may start at once


LOST = {
    "its Job gave up": of(None, gave_up("BackoffLimitExceeded")),
    "its Job gave up, and nobody saw its pod go": of(
        None, gave_up("BackoffLimitExceeded"), past=(UNSEEN_POD,)
    ),
    "it was seen to end otherwise": of(pod(state=terminated("", 137)), gave_up(DISRUPTED)),
}


@pytest.mark.parametrize("known", LOST.values(), ids=LOST)
def test_a_pod_that_the_cluster_did_not_take_away_costs_an_attempt(known: Inputs) -> None:
    standing = standing_of(known)

    assert (standing.phase, standing.reason) == ("Failed", Reason.WORKER_LOST)
    assert standing.disruptions is None


def test_a_vanished_pod_is_not_reported_before_its_job_shows_it() -> None:
    decision = decided(of(past=(UNSEEN_POD,)), now=NOW + timedelta(hours=1))

    assert decision.state.reason is Reason.DISPATCHED
    assert (decision.state.failure, decision.action) == (None, None)


UNSTARTED = pod(state=waiting("ContainerCreating"), **disrupted())
UNPULLED = pod(phase="Pending", state=waiting("ErrImagePull", "no such image: worker:1"))
FULL = pod(phase="Failed", reason="OutOfcpu", message="Pod was rejected: not enough cpu")
NEVER_RAN = {
    "the cluster took it away": (of(UNSTARTED), Reason.EVICTED, "before it started"),
    "somebody deleted it": (
        of(None, gave_up("BackoffLimitExceeded"), past=(pod(phase="Failed"),)),
        Reason.WORKER_REFUSED,
        "was deleted before it started",
    ),
    "its node was full": (
        of(FULL),
        Reason.WORKER_REFUSED,
        "never ran: OutOfcpu: Pod was rejected: not enough cpu",
    ),
    "it can't start": (of(UNPULLED), Reason.WORKER_REFUSED, "ErrImagePull: no such image"),
}


@pytest.mark.parametrize(("known", "reason", "words"), NEVER_RAN.values(), ids=NEVER_RAN)
def test_a_pod_that_never_ran_costs_no_attempt_and_another_follows_after_a_delay(
    known: Inputs, reason: Reason, words: str
) -> None:
    now = NOW + timedelta(minutes=10)
    standing = standing_of(known, now)

    assert (standing.phase, standing.reason) == ("Queued", reason)
    assert words in standing.message
    assert (standing.failure, standing.disruptions) == (None, 1)
    assert standing.queue is not None
    assert standing.queue.eligible_at is not None


def test_the_delay_doubles_with_each_pod_that_never_ran_up_to_five_minutes() -> None:
    delays = []
    for times in range(MAX_DISRUPTIONS):
        standing = standing_of(disturbed(times, FULL))
        assert standing.queue is not None
        assert standing.queue.eligible_at is not None
        delays.append(standing.queue.eligible_at - CREATED)

    expected = [retry.delay("uid-cat", number, PLATFORM.backoff) for number in range(1, 11)]
    assert delays == expected
    assert delays[0] < timedelta(seconds=13)
    assert max(delays) < timedelta(seconds=376)


def test_the_delay_and_the_words_are_the_same_once_the_pod_is_gone_and_after_a_restart() -> None:
    told = shown(of(FULL))
    wait = told.status.queue
    assert wait is not None
    assert wait.eligible_at is not None

    before = standing_of(inputs(told), wait.eligible_at - timedelta(milliseconds=1))
    after = standing_of(inputs(told), wait.eligible_at)

    assert (before.reason, before.message) == (Reason.WORKER_REFUSED, ready(told))
    assert (before.queue, before.until, before.waits_for) == (wait, wait.eligible_at, None)
    assert after.waits_for == "worker"


INTERLUDES: dict[str, tuple[ImageJob, dict[str, Any]]] = {
    "it is suspended": (image_job(retries=0, suspend=True), {}),
    "its store is missing": (CAT, {"stores": {}}),
    "its store can't be read": (CAT, {"unreadable": Unreadable("imagestores", "ImageStore")}),
}


@pytest.mark.parametrize(("held", "more"), INTERLUDES.values(), ids=INTERLUDES)
@pytest.mark.parametrize("its_pod", [FULL, UNSTARTED], ids=["refused", "evicted"])
def test_the_delay_survives_what_holds_the_imagejob_meanwhile(
    its_pod: Pod, held: ImageJob, more: dict[str, Any]
) -> None:
    told = shown(disturbed(4, its_pod))
    wait = told.status.queue
    assert told.ready is not None
    assert wait is not None
    assert wait.eligible_at is not None

    meanwhile = inputs(msgspec.structs.replace(held, status=told.status), **more)
    paused = msgspec.structs.replace(CAT, status=shown(meanwhile).status)
    before = standing_of(inputs(paused), wait.eligible_at - timedelta(milliseconds=1))
    after = standing_of(inputs(paused), wait.eligible_at)

    assert (paused.status.phase, paused.status.queue) == ("Pending", wait)
    assert before.reason == told.ready.reason
    assert (before.queue, before.until, before.waits_for) == (wait, wait.eligible_at, None)
    assert after.waits_for == "worker"


def test_a_time_in_a_queue_is_no_delay() -> None:
    queue = {"position": 4, "eligibleAt": "2026-11-22T11:00:00Z"}
    was_throttled = image_job(status={"phase": "Pending", "queue": queue})

    assert standing_of(inputs(was_throttled)).waits_for == "worker"


def test_a_pod_that_can_t_start_is_given_up_once_the_status_tells() -> None:
    old = {"creationTimestamp": "2026-11-22T09:50:00Z"}
    told = shown(of(pod(phase="Pending", state=waiting("ErrImagePull"), meta_more=old)))

    assert told.status.disruptions == 1
    assert is_spent(CARRIED, told)
    assert not is_spent(worker_job(told), told)


def test_ten_pods_may_never_run_and_the_last_one_s_words_are_the_failure_s() -> None:
    last = standing_of(disturbed(MAX_DISRUPTIONS, FULL))

    assert (last.phase, last.reason) == ("Failed", Reason.WORKER_LOST)
    assert last.message == (
        "11 workers were evicted or never started, the last one: pod ij-1-x2k9q never ran: "
        "OutOfcpu: Pod was rejected: not enough cpu"
    )


def ready(job: ImageJob) -> str:
    assert job.ready is not None
    return job.ready.message


def test_a_pod_that_was_taken_away_after_its_report_has_reported() -> None:
    late = pod(state=terminated(report(done()), 137), **disrupted())

    assert standing_of(of(late)).phase == "Succeeded"


def test_unfinished_ones_continue_in_another_worker_with_the_same_source() -> None:
    both = worker_job(CAT, DOG)
    taken = pod(by=both, state=terminated(report(read(), done()), 137), **disrupted())

    cat, dog = (shown(carried(taken, both, job)) for job in (CAT, DOG))
    again = next_order(cat).item

    assert (cat.status.phase, dog.status.phase) == ("Queued", "Succeeded")
    assert (cat.status.disruptions, dog.status.disruptions) == (1, None)
    assert (is_spent(both, cat), is_spent(worker_job(cat), cat)) == (True, False)
    assert (again.attempt, again.disruptions) == (1, 1)
    assert again.source.pinned_sha256 == DIGEST.hex()


def test_what_had_failed_before_is_still_said_after_an_eviction() -> None:
    failing = image_job(status=last_failure(1, worker="ij-0"))

    after = shown(carried(EVICTED, worker_job(failing), failing))

    assert after.status.last_failure == failing.status.last_failure
    assert next_order(after).item.attempt == 2


def test_a_pod_that_was_given_up_with_its_node_costs_no_attempt() -> None:
    quiet, cache = pod(by=CARRIED, state=running()), ClusterCache()
    for thing in (CAT, CARRIED, quiet):
        cache.upsert(thing)
    known = gather(cache, "uid-cat")
    cache.give_up(quiet)
    given_up = gather(cache, "uid-cat")
    assert known
    assert given_up

    before, after = (standing_of(of(each.worker.pod)) for each in (known, given_up) if each.worker)

    assert before.phase == "Running"
    assert (after.phase, after.reason) == ("Queued", Reason.EVICTED)
    assert after.message == (
        "no update from pod ij-1-x2k9q since its deadline; another worker follows"
    )
    assert (after.failure, after.disruptions) == (None, 1)


BEGUN = "2026-11-22T09:59:58Z"
LATEST = {
    "it ran": pod(state=running(), deadline=ALLOWED),
    "when it began to run was not reported": pod(
        state={"running": {}}, startTime=BEGUN, deadline=ALLOWED
    ),
    "it had no container yet": pod(phase="Pending", startTime=BEGUN, deadline=ALLOWED),
    "nothing was reported before it was to be deleted": pod(
        phase="Pending", deadline=ALLOWED, meta_more={"deletionTimestamp": BEGUN}
    ),
}


@pytest.mark.parametrize("quiet", LATEST.values(), ids=LATEST)
def test_a_pod_is_silent_from_a_minute_after_its_deadline_on(quiet: Pod) -> None:
    assert quiet.silent_from == STARTED + timedelta(seconds=ALLOWED) + SILENCE


PATIENT = {
    "it has no deadline": pod(state=running()),
    "it has ended": pod(state=terminated(), deadline=ALLOWED),
    "it may yet start": pod(phase="Pending", deadline=ALLOWED),
    "it has no node": pod(
        phase="Pending", node=None, deadline=ALLOWED, meta_more={"deletionTimestamp": BEGUN}
    ),
}


@pytest.mark.parametrize("quiet", PATIENT.values(), ids=PATIENT)
def test_a_pod_is_never_silent_while(quiet: Pod) -> None:
    assert quiet.silent_from is None


def disturbed(times: int, its_pod: Pod = EVICTED) -> Inputs:
    """It is in a worker, after that many lost ones."""
    job = image_job(retries=0, status={"disruptions": times} if times else None)
    return carried(its_pod, worker_job(job), job)


def test_ten_pods_may_be_taken_away_and_the_next_is_the_last() -> None:
    tenth, last = (shown(disturbed(times)) for times in (MAX_DISRUPTIONS - 1, MAX_DISRUPTIONS))

    assert (tenth.status.phase, tenth.status.disruptions) == ("Queued", 10)
    assert (last.status.phase, last.status.disruptions) == ("Failed", 11)
    assert last.status.audit[-1].reason == "WorkerLost"
    assert last.status.audit[-1].message == (
        "11 workers were evicted or never started, the last one: "
        "the cluster removed its pod: EvictionByEvictionAPI"
    )
    assert last.status.worker is not None
    assert (last.status.worker.job, last.status.worker.pod) == ("ij-1", EVICTED.metadata.name)
    assert [each.name for each in last.status.stores] == ["uploads"]


REPORTS = {
    "it succeeded": (done(), "Succeeded", Reason.SUCCEEDED),
    "it failed": (failed(), "Failed", Reason.CORRUPT_IMAGE),
}


@pytest.mark.parametrize(("entry", "phase", "reason"), REPORTS.values(), ids=REPORTS)
def test_a_report_counts_however_many_pods_were_taken_away(
    entry: Any, phase: str, reason: Reason
) -> None:
    known = disturbed(MAX_DISRUPTIONS, pod(state=terminated(report(entry)), **disrupted()))

    standing = standing_of(known)

    assert (standing.phase, standing.reason) == (phase, reason)


def test_it_is_counted_once_however_often_it_is_looked_at() -> None:
    known = carried(EVICTED, CARRIED, CAT)
    first = decided(known)
    again = decided(known, first.history, NOW + SETTLE)

    after = shown(known)

    assert [each.state.disruptions for each in (first, again)] == [1, 1]
    assert is_spent(CARRIED, after)
