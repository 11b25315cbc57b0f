"""Where an ImageJob stands: named cases through the whole chain of checks."""

from __future__ import annotations

import pytest
from api_objects import (
    PLATFORM,
    done,
    failed,
    image_job,
    pod,
    profile,
    report,
    running,
    situation,
    store,
    terminated,
    worker_job,
)
from imagejob_operator.domain.reasons import Reason
from imagejob_operator.domain.standing import Situation, stand
from imagejob_operator.domain.worker import Worker

CAT = image_job()
CARRIED = worker_job(CAT)
PROFILED = image_job(profileRef={"name": "web"})


def with_pod(**of_pod: object) -> Situation:
    return situation(CAT, Worker(CARRIED, pod(**of_pod)))  # type: ignore[arg-type]


def job_condition(kind: str, message: str) -> Situation:
    status = {"conditions": [{"type": kind, "status": "True", "message": message}]}
    return situation(CAT, Worker(worker_job(CAT, status=status)))


CASES = {
    "nothing in its way": (
        situation(),
        ("Queued", Reason.ADMITTED, "waits for a worker"),
    ),
    "no store": (
        situation(stores={}),
        ("Pending", Reason.STORE_NOT_FOUND, 'there is no ImageStore "uploads" yet'),
    ),
    "no destination store": (
        situation(image_job(destination={"storeRef": {"name": "public"}})),
        ("Pending", Reason.STORE_NOT_FOUND, 'there is no ImageStore "public" yet'),
    ),
    "no profile": (
        situation(PROFILED),
        ("Pending", Reason.PROFILE_NOT_FOUND, 'there is no ImageProfile "web" yet'),
    ),
    "its profile is there": (
        situation(PROFILED, profile=profile()),
        ("Queued", Reason.ADMITTED, "waits for a worker"),
    ),
    "suspended, whatever else is missing": (
        situation(image_job(suspend=True), stores={}),
        ("Pending", Reason.SUSPENDED, "spec.suspend is true"),
    ),
    "another worker writes to its destination": (
        situation(rival="ij-other"),
        (
            "Queued",
            Reason.DESTINATION_BUSY,
            "worker Job ij-other still writes to derived/cat/",
        ),
    ),
    "two stores, two service accounts": (
        situation(
            image_job(destination={"storeRef": {"name": "b"}}),
            stores={
                "uploads": store(
                    s3={
                        "endpoint": "https://s3.test",
                        "bucket": "bucket",
                        "credentials": {"serviceAccountName": "reader"},
                    }
                ),
                "b": store(
                    "b",
                    s3={
                        "endpoint": "https://s3.test",
                        "bucket": "bucket",
                        "credentials": {"serviceAccountName": "writer"},
                    },
                ),
            },
        ),
        (
            "Pending",
            Reason.WORKER_REFUSED,
            "a pod has one service account, but the stores name two: reader, writer",
        ),
    ),
    "a profile's output would overwrite the source": (
        situation(
            image_job(
                source={"storeRef": {"name": "uploads"}, "key": "derived/cat/thumb.webp"},
                profileRef={"name": "web"},
            ),
            profile=profile(),
        ),
        (
            "Failed",
            Reason.INVALID_SPEC,
            'output "thumb" would overwrite the source, derived/cat/thumb.webp',
        ),
    ),
    "an output would overwrite the source through another store": (
        situation(
            image_job(
                source={"storeRef": {"name": "uploads"}, "key": "derived/cat/thumb.webp"},
                destination={"storeRef": {"name": "below"}, "prefix": "cat"},
            ),
            stores={
                "uploads": store(),
                "below": store(
                    "below",
                    s3={
                        "endpoint": "https://s3.test",
                        "bucket": "team-a",
                        "prefix": "derived",
                        "credentials": {"secretRef": {"name": "uploads-s3"}},
                    },
                ),
            },
        ),
        (
            "Failed",
            Reason.INVALID_SPEC,
            'output "thumb" would overwrite the source, derived/cat/thumb.webp',
        ),
    ),
    "a worker, no pod yet": (
        situation(CAT, Worker(CARRIED)),
        ("Queued", Reason.DISPATCHED, "worker Job ij-1 has been created; its pod has not started"),
    ),
    "its image can't be pulled": (
        with_pod(state={"waiting": {"reason": "ErrImagePull"}}, phase="Pending"),
        (
            "Queued",
            Reason.DISPATCHED,
            "worker Job ij-1 has been created; its pod has not started: ErrImagePull",
        ),
    ),
    "its pod runs": (
        with_pod(state=running()),
        ("Running", Reason.PROCESSING, "worker pod ij-1-x2k9q runs on node n1"),
    ),
    "suspended while it runs: it goes on": (
        situation(image_job(suspend=True), Worker(CARRIED, pod(state=running()))),
        ("Running", Reason.PROCESSING, "worker pod ij-1-x2k9q runs on node n1"),
    ),
    "reported done": (
        with_pod(state=terminated(report(done()))),
        ("Succeeded", Reason.SUCCEEDED, '1 output in store "uploads" under derived/cat/'),
    ),
    "reported failed": (
        with_pod(state=terminated(report(failed()))),
        ("Failed", Reason.CORRUPT_IMAGE, "cut short"),
    ),
    "reported done, and killed after": (
        with_pod(state=terminated(report(done()), 137)),
        ("Succeeded", Reason.SUCCEEDED, '1 output in store "uploads" under derived/cat/'),
    ),
    "reported more outputs than were asked for": (
        with_pod(state=terminated(report(done(outputs=2)))),
        ("Failed", Reason.WORKER_LOST, "the worker pod ended without a report: exit code 0"),
    ),
    "killed before it reported": (
        with_pod(state=terminated(report(None), 137)),
        ("Failed", Reason.WORKER_LOST, "the worker pod ended without a report: signal 9"),
    ),
    "a termination message that is no report": (
        with_pod(state=terminated("Traceback: …", 1)),
        ("Failed", Reason.WORKER_LOST, "the worker pod ended without a report: exit code 1"),
    ),
    "the kernel wanted its memory back": (
        with_pod(state=terminated("", 137, reason="OOMKilled")),
        (
            "Failed",
            Reason.OUT_OF_MEMORY,
            "the kernel ended the worker pod for want of memory",
        ),
    ),
    "past its deadline": (
        with_pod(phase="Failed", reason="DeadlineExceeded"),
        ("Failed", Reason.TIMED_OUT, "the worker pod ran past its deadline"),
    ),
    "evicted": (
        with_pod(phase="Failed", reason="Evicted", message="the node was low on memory"),
        (
            "Failed",
            Reason.WORKER_LOST,
            "the worker pod ended without a report: the node was low on memory",
        ),
    ),
    "its Job gave up without a pod": (
        job_condition("Failed", "Job has reached the specified backoff limit"),
        (
            "Failed",
            Reason.WORKER_LOST,
            "the worker pod ended without a report: Job has reached the specified backoff limit",
        ),
    ),
}


@pytest.mark.parametrize(("situation", "expected"), CASES.values(), ids=CASES)
def test_where_it_stands(situation: Situation, expected: tuple[str, Reason, str]) -> None:
    standing = stand(situation, PLATFORM)

    assert expected == (standing.phase, standing.reason, standing.message)


def test_what_could_run_now_is_ready_with_its_limits_lowered() -> None:
    job = image_job(limits={"maxBytes": "1Mi", "maxPixels": 900_000_000}, timeoutSeconds=9)

    ready = stand(situation(job), PLATFORM).ready

    assert ready is not None
    assert ready.item.limits.max_bytes == 1024 * 1024
    assert ready.item.limits.max_pixels == PLATFORM.limits.max_pixels
    assert ready.item.timeout_seconds == 9
    assert ready.item.attempt == 1


def test_a_profile_is_recorded_as_it_was() -> None:
    ready = stand(situation(PROFILED, profile=profile()), PLATFORM).ready

    assert ready is not None
    assert ready.item.profile is not None
    assert ready.item.profile.name == "web"
    assert ready.item.profile.digest.startswith("sha256:")
    assert [output.max_bytes for output in ready.item.outputs] == [None, 300 * 1024]
