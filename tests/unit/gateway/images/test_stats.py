"""Figures of a namespace: right, and cheap where there are many images."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.http.recent import Recent
from imagejob_gateway.images.cache import NamespaceCache
from imagejob_gateway.images.kinds import (
    ImageLabels,
    ImageMeta,
    ListedImage,
    ListedSource,
    ListedSpec,
    ListedStatus,
)
from imagejob_gateway.images.stats import MOST_FAILURES, Stats, Throughput, Waits, stats
from imagejob_operator.api.meta import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def ago(seconds: float | None) -> datetime | None:
    return None if seconds is None else NOW - timedelta(seconds=seconds)


def image(
    name: str,
    phase: Any = None,
    created: float = 0,
    started: float | None = None,
    ended: float | None = None,
    owner: str = "alice",
) -> ListedImage:
    """Times are in seconds before NOW."""
    meta = ImageMeta(
        name=name,
        uid=name,
        resource_version="1",
        creation_timestamp=ago(created),
        labels=ImageLabels(owner=owner),
    )
    reason = {"Failed": "CorruptImage", "Succeeded": "Succeeded"}.get(phase, "Waits")
    ready = Condition("Ready", "False", reason, "Why.", NOW)
    conditions = (ready,) if phase else ()
    status = ListedStatus(phase, conditions, ago(started), ago(ended))
    return ListedImage(meta, ListedSpec(ListedSource()), status)


def test_every_phase_is_counted_and_reasons_where_there_are_any() -> None:
    images = [image("a"), image("b", "Failed"), image("c", "Failed"), image("d", "Running")]

    found = stats(images, None, NOW)

    assert found.images == 4
    assert found.by_phase == {
        **dict.fromkeys(("Throttled", "Queued", "Succeeded"), 0),
        "Pending": 1,
        "Running": 1,
        "Failed": 2,
    }
    assert found.by_reason == {"CorruptImage": 2, "Waits": 1}


def test_throughput_is_what_ended_in_the_last_minute_and_hour() -> None:
    ends = (0, 59, 61, 3599, 3601)
    images = [image(f"i{end}", "Succeeded", 4000, 3900, end) for end in ends]

    assert stats([*images, image("no end")], None, NOW).throughput == Throughput(2, 4)


def test_waits_are_of_what_began_in_the_last_hour() -> None:
    begun = [image(f"i{wait}", "Running", wait + 60, 60) for wait in range(1, 101)]
    others = [
        image("long ago", "Succeeded", 10_000, 3600, 3000),
        image("before its creation", "Running", 10, 12),
        image("waits", "Queued", 90),
        image("refused", "Failed", 500, None, 400),
    ]

    assert stats([*begun, *others], None, NOW).waits == Waits(101, 50.0, 95.0, 100.0, 90.0)


def test_without_images_there_are_no_waits() -> None:
    assert stats([], None, NOW).waits == Waits(0, None, None, None, None)


def test_the_latest_failures_are_named() -> None:
    failed = [image(f"i{end:02}", "Failed", 100, 90, end) for end in range(20)]

    found = stats([*failed, image("x", "Succeeded", 100, 90, 0)], None, NOW).failures

    assert [each.metadata.name for each in found] == [f"i{n:02}" for n in range(MOST_FAILURES)]


class CountedCache(NamespaceCache):
    """Counts the images that are looked at."""

    looks = 0

    def images(self, owner: str | None = None) -> Iterable[ListedImage]:
        return self._counted(super().images(owner))

    def _counted(self, images: Iterable[ListedImage]) -> Iterator[ListedImage]:
        for each in images:
            self.looks += 1
            yield each


@pytest.mark.parametrize(("owner", "looks"), [(None, 10_000), ("owner-7", 10)])
def test_a_thousand_requests_in_a_second_look_once_at_what_they_may_see(
    owner: str | None, looks: int, record_property: Any
) -> None:
    cache = CountedCache(None)  # nothing is listed
    for number in range(10_000):
        owned_by = f"owner-{number % 1000}"
        cache.put(image(f"i{number}", "Succeeded", 100, 90, 80, owned_by))
    began = time.process_time()

    def make(owner: str | None) -> Stats:
        return stats(cache.images(owner), None, NOW)

    recent = Recent(make, 1.0, lambda: 100.0)
    found = [recent.get(owner) for _ in range(1000)]

    record_property(
        f"CPU of 1,000 requests, {looks} images", f"{time.process_time() - began:.3f} s"
    )
    assert {each.images for each in found} == {looks}
    assert cache.looks == looks
