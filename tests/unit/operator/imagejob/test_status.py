"""The status as people and tools read it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJobStatus, StoreStatus
from imagejob_operator.imagejob import audit
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.inputs import Inputs, QuotaPosition
from imagejob_operator.imagejob.status import describe
from imagejob_operator.kube.worker import Worker
from imagejob_operator.quota.position import QueuePosition
from support import apischema
from support.api_objects import (
    DIGEST,
    NOW,
    PLATFORM,
    done,
    failed,
    image_job,
    inputs,
    last_failure,
    pod,
    profile,
    report,
    running,
    store,
    terminated,
    worker_job,
    written,
)

CAT = image_job(profileRef={"name": "web"})
CARRIED = worker_job(CAT)
SUSPENDED = image_job(suspend=True)
RUNNING = pod(state=running())
LOST = pod(state=terminated("", 139))
LOST_WITH_OTHERS = pod(state=terminated(report(None, None), 139))
ENDED = pod(state=terminated(report(done(outputs=2, removed=1 | 2 | 4, notes=2))))


def status_of(known: Inputs, now: datetime = NOW) -> ImageJobStatus:
    return describe(known, evaluate(known, PLATFORM, now), (), now)


def conditions(status: ImageJobStatus) -> dict[str, str]:
    return {condition.type: condition.status[0] for condition in status.conditions}


TRUTHS = {
    # Admitted, Ready, Finished, Reconciling, Stalled
    "pending": (inputs(CAT, quota=QuotaPosition()), "FFFTF"),
    "throttled": (
        inputs(CAT, profile=profile(), quota=QuotaPosition(position=QueuePosition(1, NOW))),
        "FFFTF",
    ),
    "turned away": (inputs(CAT, profile=profile(), quota=QuotaPosition(excess="no room")), "FFTFT"),
    "admitted": (inputs(CAT, profile=profile()), "TFFTF"),
    "suspended before it was admitted": (inputs(SUSPENDED, quota=QuotaPosition()), "FFFTF"),
    "suspended after it was admitted": (inputs(SUSPENDED), "TFFTF"),
    "its store has gone since it was admitted": (inputs(CAT, stores={}), "TFFTF"),
    "running": (inputs(CAT, Worker(CARRIED, RUNNING)), "TFFTF"),
    "succeeded": (inputs(CAT, Worker(CARRIED, ENDED)), "TTTFF"),
    "failed": (
        inputs(CAT, Worker(CARRIED, pod(state=terminated(report(failed()))))),
        "TFTFT",
    ),
}


@pytest.mark.parametrize(("known", "truths"), TRUTHS.values(), ids=TRUTHS)
def test_conditions_say_what_kstatus_expects(known: Inputs, truths: str) -> None:
    names = ("Admitted", "Ready", "Finished", "Reconciling", "Stalled")

    assert dict(zip(names, truths, strict=True)) == conditions(status_of(known))


def test_a_success_shows_its_source_and_outputs() -> None:
    status = status_of(inputs(CAT, Worker(CARRIED, ENDED), profile=profile()))

    assert status.source is not None
    assert (status.source.format, status.source.width, status.source.sha256) == (
        "jpeg",
        4032,
        DIGEST.hex(),
    )
    assert [(output.name, output.key) for output in status.outputs] == [
        ("thumb", "derived/cat/thumb.webp"),
        ("full", "derived/cat/full.webp"),
    ]
    assert status.output_summary == "thumb, full (17.6 KiB of 3.2 MiB)"
    assert status.removed_metadata == ("exif", "gps", "xmp")
    assert status.notes == ("the source has more frames than were used",)
    assert status.profile is not None
    assert status.profile.name == "web"
    assert status.attempts == 1
    assert status.processing_millis == 148
    assert status.worker is not None
    assert (status.worker.job, status.worker.node) == ("ij-1", "n1")


@pytest.mark.parametrize(
    ("length", "shown"), [(64, "n" * 64), (65, "n" * 63 + "…")], ids=["whole", "cut"]
)
def test_a_summary_has_at_most_64_characters_of_names(length: int, shown: str) -> None:
    job = image_job(outputs=[{"name": "n" * length}])
    ended = Worker(worker_job(job), pod(by=worker_job(job), state=terminated(report(done()))))

    assert status_of(inputs(job, ended)).output_summary == f"{shown} (8.8 KiB of 3.2 MiB)"


def test_the_stores_are_shown_as_they_were_when_it_was_dispatched() -> None:
    swapped = store(s3={"endpoint": "https://elsewhere", "bucket": "b", "credentials": {}})
    known = inputs(CAT, Worker(CARRIED, ENDED), stores={"uploads": swapped}, profile=profile())

    ended = status_of(known)
    later = status_of(inputs(written(CAT, ended), stores={"uploads": swapped}))

    was = StoreStatus(name="uploads", generation=1, endpoint="https://s3.test", bucket="team-a")
    assert ended.stores == later.stores == (was,)
    assert status_of(inputs(CAT, profile=profile())).stores == ()


def test_a_condition_keeps_its_time_until_it_turns() -> None:
    minute = timedelta(minutes=1)
    known = written(CAT, status_of(inputs(CAT, quota=QuotaPosition())))

    later = status_of(inputs(known, Worker(CARRIED, ENDED)), NOW + minute)

    times = {condition.type: condition.last_transition_time for condition in later.conditions}
    assert times["Stalled"] == NOW.replace(microsecond=0)
    assert times["Ready"] == NOW.replace(microsecond=0) + minute


def test_it_was_admitted_when_it_was_charged_and_stays_so() -> None:
    charged = NOW - timedelta(seconds=90)
    first = status_of(inputs(CAT, profile=profile(), quota=QuotaPosition(admitted_at=charged)))

    later = status_of(inputs(written(CAT, first), stores={}, quota=QuotaPosition()))

    for status in (first, later):
        (admitted,) = (each for each in status.conditions if each.type == "Admitted")
        assert (admitted.status, admitted.reason) == ("True", "Admitted")
        assert admitted.last_transition_time == charged.replace(microsecond=0)


def test_when_it_was_admitted_is_exact_while_the_entry_is_there() -> None:
    first = status_of(inputs(CAT, profile=profile()))
    entries = (audit.requested(CAT, "jane", NOW), audit.admitted(2, NOW))
    told = msgspec.structs.replace(first, audit=entries)

    times = [written(CAT, each).admitted_at for each in (ImageJobStatus(), first, told)]

    assert times == [None, NOW.replace(microsecond=0), NOW]


def test_a_message_is_in_the_conditions_that_it_explains() -> None:
    status = status_of(inputs(CAT, Worker(CARRIED, pod(state=terminated(report(failed()))))))

    told = {condition.type: condition.message for condition in status.conditions}
    assert told == {
        "Admitted": "",
        "Ready": "cut short",
        "Finished": "cut short",
        "Reconciling": "",
        "Stalled": "cut short",
    }
    assert status.conditions[0].reason == "Admitted"


def test_only_the_newest_twenty_entries_stay_and_the_sequence_shows_it() -> None:
    known = inputs(CAT)
    standing = evaluate(known, PLATFORM, NOW)
    entries = tuple(audit.entry(seq, standing, NOW) for seq in range(1, 31))

    shown = describe(known, standing, entries, NOW).audit

    assert [entry.seq for entry in shown] == list(range(11, 31))


RETRIED = image_job(status=last_failure(2, "TimedOut", worker="ij-0") | {"attempts": 2})
THIRD = worker_job(RETRIED)
ATTEMPTS = {
    "none has begun": (inputs(), None),
    "the pod has not started": (inputs(worker=Worker(worker_job(image_job()))), None),
    "the pod runs": (inputs(worker=Worker(worker_job(image_job()), RUNNING)), 1),
    "two have failed": (inputs(RETRIED), 2),
    "the pod of the third has not started": (inputs(RETRIED, Worker(THIRD)), 2),
    "the pod of the third runs": (inputs(RETRIED, Worker(THIRD, RUNNING)), 3),
    "the third was lost with others, which cost nothing": (
        inputs(RETRIED, Worker(worker_job(RETRIED, image_job("dog")), LOST_WITH_OTHERS)),
        2,
    ),
    "the third has failed": (inputs(RETRIED, Worker(THIRD, LOST)), 3),
}


@pytest.mark.parametrize(("known", "attempts"), ATTEMPTS.values(), ids=ATTEMPTS)
def test_how_many_attempts_have_begun(known: Inputs, attempts: int | None) -> None:
    assert status_of(known).attempts == attempts


def test_the_newest_failure_is_kept_after_a_success() -> None:
    reported = pod(state=terminated(report(done())))

    status = status_of(inputs(RETRIED, Worker(THIRD, reported)))

    assert status.phase == "Succeeded"
    assert status.last_failure == RETRIED.status.last_failure
    assert status.queue is None


def test_the_crd_has_a_number_for_a_first_attempt_that_was_lost_with_others() -> None:
    least = apischema.schema("imagejobs", "status", "lastFailure", "attempt")["minimum"]
    both = worker_job(image_job("cat"), image_job("dog"))

    status = status_of(inputs(worker=Worker(both, LOST_WITH_OTHERS)))

    assert status.last_failure is not None
    assert status.last_failure.attempt == least


def test_what_a_failed_attempt_found_out_of_the_source_is_kept() -> None:
    facts = done()[1]
    ended = pod(state=terminated(report(failed("StorageUnavailable", source=facts))))
    first = status_of(inputs(CAT, Worker(CARRIED, ended), profile=profile()))
    again = status_of(inputs(written(CAT, first), profile=profile()))

    assert first.phase == again.phase == "Queued"
    assert first.source is not None
    assert first.source.width
    assert again.source == first.source
    assert first.processing_millis is None
