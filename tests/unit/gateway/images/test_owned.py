"""ImageJobs by owner, and who hears of their changes."""

from __future__ import annotations

import asyncio

from imagejob_gateway.images.followers import Followers
from imagejob_gateway.images.kinds import (
    ImageLabels,
    ImageMeta,
    ListedImage,
    ListedSource,
    ListedSpec,
)
from imagejob_gateway.images.owned import OwnedImages


def image(name: str, version: int, owner: str, uid: str = "") -> ListedImage:
    labels = ImageLabels(owner=owner)
    meta = ImageMeta(
        name=name, uid=uid or f"uid-{name}", resource_version=str(version), labels=labels
    )
    return ListedImage(meta, ListedSpec(ListedSource()))


def names(store: OwnedImages, owner: str) -> list[str]:
    return sorted(each.metadata.name for each in store.of(owner))


def test_an_image_is_its_owner_s_until_it_is_dropped_or_another_s() -> None:
    changed: list[str] = []
    store = OwnedImages(changed.append)

    store.put(image("a", 1, "alice"))
    store.put(image("b", 2, "alice"))
    store.put(image("c", 3, "bob"))
    assert (names(store, "alice"), names(store, "bob")) == (["a", "b"], ["c"])

    store.put(image("b", 4, "bob"))
    store.put(image("b", 3, "alice"))  # late
    assert (names(store, "alice"), names(store, "bob")) == (["a"], ["b", "c"])

    store.drop(image("a", 5, "alice"))
    store.drop(image("c", 2, "bob", uid="another"))
    assert (names(store, "alice"), names(store, "bob")) == ([], ["b", "c"])
    assert changed == ["a", "b", "c", "b", "a"]


def test_an_owner_without_images_costs_nothing() -> None:
    store = OwnedImages(lambda _: None)
    for number in range(100):
        store.put(image("a", number, f"owner-{number}"))

    assert list(store._by_owner) == ["owner-99"]


def test_followers_of_an_image_are_woken_and_no_others() -> None:
    async def run() -> tuple[bool, bool, int]:
        followers = Followers()
        with followers.follow("a") as one, followers.follow("a") as two, followers.follow("b"):
            followers.changed("a")
            followers.changed("nobody follows this")
            return one.is_set(), two.is_set(), len(followers._events)

    assert asyncio.run(run()) == (True, True, 2)


def test_who_follows_no_more_is_forgotten() -> None:
    async def run() -> int:
        followers = Followers()
        with followers.follow("a"):
            pass
        followers.changed("a")
        return len(followers._events)

    assert asyncio.run(run()) == 0
