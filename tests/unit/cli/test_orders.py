"""Orders have at most 24 items, and no two that write to the same place."""

from __future__ import annotations

from pathlib import Path

import pytest
from imagejob_cli.course import Course
from imagejob_cli.given import Task, stores_of
from imagejob_cli.local import utc_now
from imagejob_cli.orders import cut
from imagejob_operator.api.imagejob import Destination, ImageJob, ImageJobSpec, Output, Source
from imagejob_operator.api.meta import NameRef, ObjectMeta
from imagejob_operator.config.platform import Platform
from imagejob_operator.imagejob.resolve import Resolved

PLATFORM = Platform("")
FOLDERS = {"one": Path("/photos"), "same": Path("/elsewhere/../photos"), "below": Path("/photos/b")}


def ready(number: int, store: str, prefix: str) -> tuple[Course, Resolved]:
    spec = ImageJobSpec(
        Source(NameRef("one"), "cat.jpg"),
        Destination(NameRef(store), prefix),
        outputs=(Output("thumb"),),
    )
    job = ImageJob(ObjectMeta(f"job-{number}", uid=str(number)), spec)
    course = Course(Task(job, None), stores_of(FOLDERS), PLATFORM)
    resolved = course.ready(utc_now())
    assert resolved
    return course, resolved


@pytest.mark.parametrize(
    ("destinations", "sizes"),
    [
        ([], []),
        ([("one", "a")], [1]),
        ([("one", str(each)) for each in range(24)], [24]),
        ([("one", str(each)) for each in range(49)], [24, 24, 1]),
        ([("one", "a"), ("one", "b"), ("one", "a"), ("one", "b")], [2, 2]),
        ([("one", "a"), ("one", "a"), ("one", "a")], [1, 1, 1]),
        ([("one", "a"), ("same", "a")], [1, 1]),
        ([("one", "b/a"), ("below", "a")], [1, 1]),
        ([("one", "a"), ("below", "a")], [2]),
    ],
)
def test_cut(destinations: list[tuple[str, str]], sizes: list[int]) -> None:
    all_ready = [ready(number, *each) for number, each in enumerate(destinations)]

    batches = list(cut(all_ready, FOLDERS, PLATFORM))

    assert [len(batch.order.items) for batch in batches] == sizes
    uids = [item.uid for batch in batches for item in batch.order.items]
    assert uids == [str(number) for number in range(len(destinations))]
    for batch in batches:
        assert [item.uid for item in batch.order.items] == [
            course.job.metadata.uid for course in batch.courses
        ]
