"""Which ImageJobs share a worker."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.contract import report
from imagejob_operator.contract.order import MAX_ENCODED_BYTES
from imagejob_operator.imagejob import job_builder as manifests
from imagejob_operator.imagejob.resolve import Resolved
from imagejob_operator.scheduling.batching import Batch, Ready, batches
from support.api_objects import DIGEST, PLATFORM, image_job, store
from support.resolving import resolve

STORES = {name: store(name) for name in ("uploads", "archive")}


def ready(name: str, **spec: Any) -> Ready:
    job = image_job(name, **spec)
    answer = resolve(job, None, STORES, PLATFORM)
    assert isinstance(answer, Resolved)
    return Ready(job, answer)


def many(count: int, **spec: Any) -> Iterator[Ready]:
    return (ready(f"photo-{number}", **spec) for number in range(count))


def names(made: list[Batch]) -> list[list[str]]:
    return [[member.job.metadata.name for member in batch.members] for batch in made]


def outputs(count: int) -> list[dict[str, Any]]:
    return [{"name": f"output-{number}", "width": 320} for number in range(count)]


def failed(reason: str) -> dict[str, Any]:
    failure = {
        "attempt": 1,
        "reason": reason,
        "message": "",
        "time": "2026-11-22T09:00:00Z",
        "worker": "ij-0",
    }
    return {"lastFailure": failure}


def test_one_runs_alone_if_there_are_no_others() -> None:
    assert names(batches(many(1), 5, PLATFORM)) == [["photo-0"]]


def test_24_go_together_and_the_25th_in_the_next() -> None:
    sizes = [len(batch.members) for batch in batches(many(25), 5, PLATFORM)]

    assert sizes == [MAX_BATCH, 1]


def test_no_more_workers_than_places() -> None:
    sizes = [len(batch.members) for batch in batches(many(100), 2, PLATFORM)]

    assert sizes == [MAX_BATCH, MAX_BATCH]


def test_no_places_no_workers() -> None:
    assert batches(many(3), 0, PLATFORM) == []


def test_those_of_other_stores_go_apart() -> None:
    archived = {"storeRef": {"name": "archive"}, "key": "b.jpg"}
    waiting = [ready("a"), ready("b", source=archived), ready("c")]

    assert names(batches(waiting, 5, PLATFORM)) == [["a", "c"], ["b"]]


def test_small_ones_go_apart_from_large_ones() -> None:
    waiting = [ready("a"), ready("b", limits={"maxPixels": 2_000_000}), ready("c")]
    made = batches(waiting, 5, PLATFORM)

    assert names(made) == [["a", "c"], ["b"]]
    assert [batch.kind.size for batch in made] == ["standard", "small"]


@pytest.mark.parametrize("reason", ["WorkerLost", "OutOfMemory", "TimedOut", "Internal"])
def test_one_that_may_have_ended_a_worker_runs_alone(reason: str) -> None:
    waiting = [ready("a"), ready("b", status=failed(reason)), ready("c")]
    made = names(batches(waiting, 5, PLATFORM))

    assert ["b"] in made
    assert ["a", "c"] in made


def test_those_whose_store_was_down_go_together_again() -> None:
    waiting = many(3, status=failed("StorageUnavailable"))

    assert len(batches(waiting, 5, PLATFORM)) == 1


def test_a_full_worker_is_closed_and_one_with_room_is_not() -> None:
    made = batches(many(MAX_BATCH + 1), 5, PLATFORM)

    assert [batch.is_closed for batch in made] == [True, False]


def test_a_worker_whose_report_has_no_room_left_is_closed() -> None:
    made = batches(many(14, outputs=outputs(4)), 5, PLATFORM)

    assert [len(batch.members) for batch in made] == [13, 1]
    assert [batch.is_closed for batch in made] == [True, False]


MOST_BY_OUTPUTS = {1: 24, 2: 20, 3: 16, 4: 13, 5: 11, 6: 9, 7: 8, 8: 7, 9: 6, 11: 5, 13: 4, 16: 4}


@pytest.mark.parametrize(("count", "most"), MOST_BY_OUTPUTS.items())
def test_how_many_go_together_by_the_outputs_of_each(count: int, most: int) -> None:
    first, *_ = batches(many(30, outputs=outputs(count)), 30, PLATFORM)

    assert len(first.members) == most


@given(st.lists(st.integers(1, 16), min_size=1, max_size=60))
def test_the_worst_report_of_any_batch_fits_a_termination_message(counts: list[int]) -> None:
    waiting = [ready(f"photo-{i}", outputs=outputs(count)) for i, count in enumerate(counts)]

    for batch in batches(waiting, len(counts), PLATFORM):
        for worst in (worst_done, worst_failed):
            entries = [worst(len(member.resolved.item.outputs)) for member in batch.members]
            encoded = report.base64.b85encode(msgspec.msgpack.encode(entries))
            assert len(report.PREFIX) + len(encoded) + 1 <= report.MAX_MESSAGE_BYTES


@given(st.lists(st.integers(1, 16), min_size=1, max_size=40))
def test_none_is_lost_or_duplicated(counts: list[int]) -> None:
    waiting = [ready(f"photo-{i}", outputs=outputs(count)) for i, count in enumerate(counts)]
    made = names(batches(waiting, len(counts), PLATFORM))

    assert sorted(chain(*made)) == sorted(each.job.metadata.name for each in waiting)


def test_the_longest_order_fits_the_environment() -> None:
    wide = [
        {"name": f"{number:02}".ljust(63, "x"), "width": 320, "cacheControl": "é" * 256}
        for number in range(3)
    ]
    source = {"storeRef": {"name": "uploads"}, "key": "k" * 1024}
    destination = {"prefix": "p" * 480}
    waiting = [
        ready(f"photo-{number}", outputs=wide, source=source, destination=destination)
        for number in range(40)
    ]

    for batch in batches(waiting, 40, PLATFORM):
        items = [member.resolved.item for member in batch.members]
        order = manifests.compose(items, STORES, PLATFORM, size=batch.kind.size)
        assert len(order.encode()) <= MAX_ENCODED_BYTES


def worst_done(count: int) -> list[Any]:
    source = [6, 65_535, 65_535, 65_535, 2**31, DIGEST]
    made = [[4, 65_535, 65_535, 2**31, DIGEST]] * count
    return [1, source, 2**31, 1023, 127, made]


def worst_failed(_count: int) -> list[Any]:
    source = [6, 65_535, 65_535, 65_535, 2**31, DIGEST]
    return [2, "StorageUnavailable", "m" * 58, 2**31, source]
