"""Queues of waiting ImageJobs: the order, whatever happens to the queue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.quota.wait_queue import WaitQueue, in_turns
from support.api_objects import image_job

EARLY, LATE = "2026-11-22T09:00:00Z", "2026-11-22T09:00:01Z"


def waiting(
    name: str, *, created: str = EARLY, uid: str = "", priority: int = 0, namespace: str = "team-a"
) -> ImageJob:
    uid = uid or name
    meta = {"name": name, "namespace": namespace, "uid": uid, "creationTimestamp": created}
    return image_job(name, meta=meta, priority=priority)


def line(*jobs: ImageJob) -> WaitQueue:
    made = WaitQueue()
    for job in jobs:
        made.put(job)
    return made


def test_the_oldest_is_first() -> None:
    assert list(line(waiting("b", created=LATE), waiting("c"))) == ["c", "b"]


def test_priority_comes_before_age() -> None:
    later = waiting("b", created=LATE, priority=1)

    assert list(line(waiting("a"), later, waiting("z", priority=-1))) == ["b", "a", "z"]


def test_of_one_second_the_name_decides() -> None:
    assert list(line(waiting("cat-2"), waiting("cat-1"))) == ["cat-1", "cat-2"]


def test_of_one_name_the_uid_decides() -> None:
    assert list(line(waiting("cat", uid="2"), waiting("cat", uid="1"))) == ["1", "2"]


def test_one_without_a_creation_time_is_first() -> None:
    unsaved = image_job("z", meta={"creationTimestamp": None})

    assert list(line(waiting("a"), unsaved)) == ["uid-z", "a"]


def test_a_new_priority_is_a_new_place() -> None:
    waits = line(waiting("a"), waiting("b"))

    assert waits.put(waiting("b", priority=5))
    assert list(waits) == ["b", "a"]
    assert len(waits) == 2


def test_an_update_that_changes_no_place_is_no_change() -> None:
    waits = line(waiting("a"))

    assert not waits.put(waiting("a"))
    assert list(waits) == ["a"]


def test_one_that_leaves_makes_room() -> None:
    waits = line(waiting("a"), waiting("b"), waiting("c"))

    assert waits.remove("a")
    assert [waits.position(uid) for uid in ("b", "c")] == [1, 2]
    assert "a" not in waits


def test_leaving_twice_is_nothing() -> None:
    assert not line(waiting("a")).remove("b")


def test_one_that_does_not_wait_has_no_position() -> None:
    with pytest.raises(KeyError):
        line(waiting("a")).position("b")


def test_the_head_is_as_long_as_there_are() -> None:
    waits = line(waiting("a"), waiting("b"), waiting("c"))

    assert waits.head(2) == ["a", "b"]
    assert waits.head(9) == ["a", "b", "c"]
    assert waits.head(0) == []


def test_namespaces_take_turns() -> None:
    many = [waiting(f"a{number}", created=EARLY) for number in range(3)]
    others = [waiting("z2", namespace="z", created=LATE), waiting("z1", namespace="z", priority=-1)]

    assert [job.metadata.name for job in in_turns([*reversed(many), None, *others])] == [
        *("a0", "z2", "a1", "z1", "a2"),
    ]


moves = st.tuples(st.integers(0, 30), st.sampled_from([EARLY, LATE]), st.integers(-2, 2))


@given(st.lists(st.one_of(moves, st.integers(0, 30))))
def test_a_line_is_what_sorting_would_make_of_it(
    steps: list[tuple[int, str, int] | int],
) -> None:
    """A tuple adds (number, creation, priority) to the queue, a number removes it."""
    waits, sorts = WaitQueue(), dict[str, tuple[int, str, str]]()
    for step in steps:
        if isinstance(step, int):
            waits.remove(f"{step:02}")
            sorts.pop(f"{step:02}", None)
        else:
            name, created, priority = f"{step[0]:02}", step[1], step[2]
            waits.put(waiting(name, created=created, priority=priority))
            sorts[name] = (-priority, created, name)

    expected = sorted(sorts, key=sorts.__getitem__)
    assert list(waits) == expected
    assert [waits.position(uid) for uid in expected] == list(range(1, len(expected) + 1))
    assert len(waits) == len(expected)
    assert all(uid in waits for uid in expected)
