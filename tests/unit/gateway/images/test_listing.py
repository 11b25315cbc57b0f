"""Pages of images: the newest first, each exactly once, whatever happens in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from imagejob_gateway.images.kinds import (
    ImageMeta,
    ListedImage,
    ListedSource,
    ListedSpec,
    ListedStatus,
)
from imagejob_gateway.images.listing import Filter, page
from imagejob_operator.api.meta import Condition, NameRef

BEGIN = datetime(2026, 11, 22, 10, tzinfo=UTC)


def image(name: str, second: int) -> ListedImage:
    created = BEGIN + timedelta(seconds=second)
    meta = ImageMeta(name=name, namespace="a", uid=name, creation_timestamp=created)
    return ListedImage(meta, ListedSpec(ListedSource()))


def names(images: tuple[ListedImage, ...]) -> list[str]:
    return [each.metadata.name for each in images]


IMAGES = [image("b", 1), image("d", 2), image("a", 1), image("c", 2), image("e", 0)]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_pages_have_each_image_once_the_newest_first(limit: int) -> None:
    found, cursor = [], ""
    while True:
        part = page(IMAGES, limit, cursor)
        found += names(part.images)
        cursor = part.cursor
        assert len(part.images) <= limit
        if not cursor:
            break

    assert found == ["d", "c", "b", "a", "e"]


def test_what_comes_or_goes_meanwhile_moves_no_page() -> None:
    first = page(IMAGES, 2)
    later = [each for each in IMAGES if each.metadata.name != "c"] + [image("new", 9)]

    assert names(page(later, 2, first.cursor).images) == ["b", "a"]


def test_nothing_has_one_page() -> None:
    assert page([], 50) == page([], 1)
    assert page([], 50).cursor == ""


@pytest.mark.parametrize("cursor", ["x", "not base64!", "bnVsbA", "WyJhIiwxXQ", "\u00e9"])
def test_a_cursor_of_another_s_making_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        page(IMAGES, 2, cursor)


def failed(name: str, second: int, reason: str, profile: str, sha256: str) -> ListedImage:
    meta = image(name, second).metadata
    ready = Condition("Ready", "False", reason, "", BEGIN)
    spec = ListedSpec(ListedSource(sha256), NameRef(profile))
    return ListedImage(meta, spec, ListedStatus("Failed", (ready,)))


MIXED = [
    *IMAGES,
    failed("f", 3, "CorruptImage", "web", "ab"),
    failed("g", 4, "TooLarge", "web", "cd"),
    failed("h", 5, "TooLarge", "print", "ab"),
]
FILTERS = {
    "none": (Filter(), "hgfdcbae"),
    "a phase": (Filter(phases=frozenset({"Failed"})), "hgf"),
    "two phases": (Filter(phases=frozenset({"Failed", "Pending"})), "hgfdcbae"),
    "a reason": (Filter(reasons=frozenset({"TooLarge"})), "hg"),
    "a profile": (Filter(profile="web"), "gf"),
    "a digest": (Filter(sha256="ab"), "hf"),
    "a time": (Filter(created_since=BEGIN + timedelta(seconds=2)), "hgfdc"),
    "all that is given": (Filter(frozenset({"Failed"}), sha256="ab", profile="web"), "f"),
    "nothing": (Filter(profile="other"), ""),
}


@pytest.mark.parametrize(("which", "found"), FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("limit", [1, 100])
def test_filters_leave_out_what_they_say_on_every_page(
    which: Filter, found: str, limit: int
) -> None:
    listed, cursor = "", ""
    while True:
        part = page(MIXED, limit, cursor, which)
        listed += "".join(names(part.images))
        cursor = part.cursor
        if not cursor:
            break

    assert listed == found
