"""What a scrape reads from the operator, and how many series that makes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_operator.imagejob.decide import JobHistory
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.workqueue.priority import Priority
from prometheus_client import generate_latest
from support.api_objects import image_job, pod, running, terminated, worker_job
from support.observing import Knowledge

if TYPE_CHECKING:
    from collections.abc import Callable

OF_ONE_NAMESPACE = 2 * 3 + 2  # two windows: limit, used and ratio; waiting and running


def crowd(namespaces: int, jobs: int) -> Knowledge:
    """Namespaces that have all used up their quota, with ImageJobs that wait for it."""
    known = Knowledge()
    for number in range(namespaces):
        known.use(f"team-{number}", 50)
        known.wait(f"team-{number}", jobs // namespaces)
    return known


def test_ten_thousand_imagejobs_make_as_many_series_as_two_hundred(
    record_property: Callable[[str, object], None],
) -> None:
    known = crowd(200, 10_000)
    began = time.process_time()
    text = generate_latest(known.metrics.registry).decode()
    took = time.process_time() - began
    many, few = known.series(), crowd(200, 200).series()

    assert many.keys() == few.keys()
    assert len(many) < 2000
    assert "team-7-0" not in text
    record_property("10,000 ImageJobs in 200 namespaces", f"{len(many)} series, {len(text)} bytes")
    record_property("CPU of one scrape of them", f"{1000 * took:.0f} ms")


def test_each_namespace_adds_the_same_few_series() -> None:
    assert len(crowd(3, 30).series()) - len(crowd(2, 20).series()) == OF_ONE_NAMESPACE


def test_thousands_of_namespaces_make_no_more_series_than_the_seats_and_one() -> None:
    known = crowd(201, 201)

    namespaces = {dict(labels).get("namespace") for _, labels in known.series()} - {None}
    assert len(namespaces) == 201
    assert "_others" in namespaces
    assert len(crowd(300, 300).series()) == len(known.series())


def test_a_standby_exports_no_namespace_and_no_imagejob() -> None:
    known = crowd(2, 20)
    known.leads = False

    assert known.value("leader") == 0
    assert not [name for name, labels in known.series() if dict(labels).get("namespace")]
    assert known.value("jobs", phase="Throttled") is None


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("leader", {}, 1),
        ("lease_trouble", {}, 0),
        ("jobs", {"phase": "Throttled"}, 6),
        ("jobs", {"phase": "Running"}, 0),
        ("waiting_jobs", {"reason": "QuotaUsedUp"}, 6),
        ("oldest_job_age_seconds", {"phase": "Throttled"}, 10.25),
        ("oldest_job_age_seconds", {"phase": "Queued"}, 0),
        ("quota_limit", {"namespace": "team-0", "window": "24h"}, 500),
        ("quota_used", {"namespace": "team-0", "window": "1h"}, 50),
        ("quota_used_ratio", {"namespace": "team-0", "window": "1h"}, 1),
        ("quota_used_ratio", {"namespace": "team-0", "window": "24h"}, 0.1),
        ("quota_waiting", {"namespace": "team-1"}, 3),
        ("quota_running", {"namespace": "team-1"}, 0),
        ("worker_jobs", {"state": "running"}, 0),
        ("worker_jobs_limit", {}, 64),
        ("api_write_limit", {}, 4),
        ("api_pause_seconds", {}, 0),
        ("workqueue_in_progress", {}, 0),
        ("cache_full_namespaces", {}, 0),
        ("unwatched_kinds", {}, 0),
        ("unreadable_now", {"resource": "imagequotas"}, 0),
        ("reconcile_errors_total", {"controller": "namespace"}, 0),
        ("build_info", {"version": "1.2.3", "python": "3"}, 1),
    ],
)
def test_a_gauge_says_what_the_engine_knows(
    name: str, labels: dict[str, str], value: float
) -> None:
    series = crowd(2, 6).series()
    if name == "build_info":  # any version of Python
        series = {
            (key, tuple((label, text[: len(labels[label])]) for label, text in of)): said
            for (key, of), said in series.items()
            if key == "imagejob_build_info"
        }

    assert series[f"imagejob_{name}", tuple(sorted(labels.items()))] == value


def test_an_end_that_is_not_written_yet_counts_as_running() -> None:
    known = crowd(1, 1)
    known.histories.keep("team-0-0", JobHistory(last=("Succeeded", "Succeeded")))

    assert known.value("jobs", phase="Running") == 1
    assert known.value("jobs", phase="Pending") == 0
    assert known.value("waiting_jobs", reason="Succeeded") is None


def test_workers_are_distinguished_by_their_pods() -> None:
    known = Knowledge()
    cat, dog = image_job("cat"), image_job("dog")
    worker, other = worker_job(cat), worker_job(dog, name="ij-2")
    for thing in (cat, dog, worker, other, pod(by=worker, state=running())):
        known.cache.upsert(thing)

    assert known.value("worker_jobs", state="running") == 1
    assert known.value("worker_jobs", state="starting") == 1
    assert known.value("worker_jobs", state="ended") == 0


LONG_AGO = {"running": {"startedAt": "2026-11-22T09:00:00Z"}}
"""With three minutes, and a minute for its node, it should have ended 56 minutes before NOW."""

OVERDUE = {
    "its pod should have ended": ({"state": LONG_AGO}, "Running", 3360.25),
    "it has gone on elsewhere": ({"state": LONG_AGO}, "Queued", 0),
    "its pod has its time": ({"state": running()}, "Running", 0),
    "its pod has ended, and no status says so": (
        {"state": terminated(startedAt="2026-11-22T09:00:00Z")},
        "Running",
        3360.25,
    ),
}


@pytest.mark.parametrize(("of_pod", "phase", "seconds"), OVERDUE.values(), ids=OVERDUE)
def test_for_how_long_an_imagejob_is_overdue(
    of_pod: dict[str, Any], phase: str, seconds: float
) -> None:
    known, cat = Knowledge(), image_job("cat")
    worker = worker_job(cat)
    for thing in (cat, worker, pod(by=worker, deadline=180, **of_pod)):
        known.cache.upsert(thing)
    known.histories.keep("uid-cat", JobHistory(last=(phase, "Processing")))

    assert known.value("running_overdue_seconds") == seconds


def test_a_pod_that_was_given_up_makes_nobody_overdue_who_runs_elsewhere() -> None:
    known, cat = Knowledge(), image_job("cat", status={"disruptions": 1})
    lost, worker = worker_job(image_job("cat")), worker_job(cat, name="ij-2")
    left = pod(by=lost, deadline=180, state=LONG_AGO)
    for thing in (cat, lost, left, worker, pod(by=worker, deadline=180, state=running())):
        known.cache.upsert(thing)
    known.cache.give_up(left)
    known.histories.keep("uid-cat", JobHistory(last=("Running", "Processing")))

    assert known.value("running_overdue_seconds") == 0


def test_the_work_queue_says_who_waits_and_for_how_long() -> None:
    known = Knowledge()
    known.observed.queue.put_off("uid-1", "team-a", Priority.PROGRESS)
    known.observed.queue.put_off("uid-2", "team-a", Priority.STATUS)

    assert known.value("workqueue_depth", priority="progress") == 1
    assert known.value("workqueue_depth", priority="status") == 1
    assert (known.value("workqueue_oldest_seconds", priority="progress") or 0) > 0
    assert known.value("workqueue_oldest_seconds", priority="event") == 0


def test_a_leader_that_has_not_listed_says_how_much_it_does_not_see() -> None:
    known = Knowledge(listed=False, unwatched=("pods", "imagejobs"))

    assert known.value("unwatched_kinds") == 2
    assert known.value("loop_age_seconds") is None


def test_objects_that_cannot_be_read_now_are_counted_by_kind() -> None:
    known = Knowledge()
    known.cache.upsert(Unreadable("imagequotas", "ImageQuota", "team-0", "default", "u", 7))

    assert known.value("unreadable_now", resource="imagequotas") == 1
    assert known.value("unreadable_now", resource="imagejobs") == 0


def test_a_loop_that_is_stuck_shows_its_age() -> None:
    known = Knowledge()
    known.last_tick -= 42

    assert (known.value("loop_age_seconds") or 0) >= 42
