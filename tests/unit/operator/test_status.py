"""The status as people and tools read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from api_objects import (
    DIGEST,
    NOW,
    PLATFORM,
    done,
    failed,
    image_job,
    pod,
    profile,
    report,
    running,
    situation,
    terminated,
    worker_job,
)
from imagejob_operator.domain import audit
from imagejob_operator.domain.model import ImageJob, ImageJobStatus
from imagejob_operator.domain.standing import Situation, stand
from imagejob_operator.domain.status import describe
from imagejob_operator.domain.worker import Worker

CAT = image_job(profileRef={"name": "web"})
CARRIED = worker_job(CAT)
ENDED = pod(state=terminated(report(done(outputs=2, removed=1 | 2 | 4, notes=2))))


def status_of(known: Situation, job: ImageJob = CAT) -> ImageJobStatus:
    return describe(job, stand(known, PLATFORM), (), NOW)


def conditions(status: ImageJobStatus) -> dict[str, str]:
    return {condition.type: condition.status[0] for condition in status.conditions}


TRUTHS = {
    # Admitted, Ready, Finished, Reconciling, Stalled
    "pending": (situation(CAT), "FFFTF"),
    "running": (situation(CAT, Worker(CARRIED, pod(state=running()))), "TFFTF"),
    "succeeded": (situation(CAT, Worker(CARRIED, ENDED)), "TTTFF"),
    "failed": (
        situation(CAT, Worker(CARRIED, pod(state=terminated(report(failed()))))),
        "TFTFT",
    ),
}


@pytest.mark.parametrize(("known", "truths"), TRUTHS.values(), ids=TRUTHS)
def test_conditions_say_what_kstatus_expects(known: Situation, truths: str) -> None:
    names = ("Admitted", "Ready", "Finished", "Reconciling", "Stalled")

    assert dict(zip(names, truths, strict=True)) == conditions(status_of(known))


def test_a_success_tells_what_was_made_of_what() -> None:
    status = status_of(situation(CAT, Worker(CARRIED, ENDED), profile=profile()))

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


def test_a_condition_keeps_its_time_until_it_turns() -> None:
    first = status_of(situation(CAT))
    known = image_job(profileRef={"name": "web"}, status=_builtins(first))

    later = describe(
        known,
        stand(situation(known, Worker(CARRIED, ENDED)), PLATFORM),
        (),
        NOW + timedelta(minutes=1),
    )

    times = {condition.type: condition.last_transition_time for condition in later.conditions}
    assert times["Stalled"] == NOW.replace(microsecond=0)
    assert times["Ready"] == NOW.replace(microsecond=0) + timedelta(minutes=1)


def test_a_message_is_told_by_the_conditions_that_it_explains() -> None:
    status = status_of(situation(CAT, Worker(CARRIED, pod(state=terminated(report(failed()))))))

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
    standing = stand(situation(CAT), PLATFORM)
    entries = tuple(audit.entry(seq, standing, NOW) for seq in range(1, 31))

    shown = describe(CAT, standing, entries, NOW).audit

    assert [entry.seq for entry in shown] == list(range(11, 31))


def _builtins(status: ImageJobStatus) -> dict[str, Any]:
    converted: dict[str, Any] = msgspec.to_builtins(status)
    return converted
