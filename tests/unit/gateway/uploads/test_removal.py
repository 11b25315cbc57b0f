"""What is deleted with an image, and in which order."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from imagejob_gateway.images.kinds import Image
from imagejob_gateway.images.manifest import NewImage, manifest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.uploads.removal import objects_of, remove

NEW = NewImage(*("img-1", "0" * 40, "web", "uploads", "in/1/original", "a" * 64), "i#alice", "1")
OUTPUTS = [
    {
        "name": name,
        "key": f"derived/img-1/{name}.webp",
        "format": "webp",
        "width": 1,
        "height": 1,
        "bytes": 1,
        "sha256": "b" * 64,
    }
    for name in ("thumb", "full")
]


def image(*, outputs: list[dict[str, Any]] = OUTPUTS, **spec: Any) -> Image:
    body = manifest(NEW, "team-a")
    body["spec"] |= spec
    body["metadata"]["uid"] = "uid-1"
    return msgspec.convert(body | {"status": {"phase": "Succeeded", "outputs": outputs}}, Image)


def test_the_original_and_the_outputs_are_an_image_s() -> None:
    assert objects_of(image(), "in") == [
        ("uploads", "in/1/original"),
        ("uploads", "derived/img-1/thumb.webp"),
        ("uploads", "derived/img-1/full.webp"),
    ]
    assert objects_of(image(outputs=[]), "in") == [("uploads", "in/1/original")]
    elsewhere = image(destination={"storeRef": {"name": "cdn"}})
    assert objects_of(elsewhere, "in")[1] == ("cdn", "derived/img-1/thumb.webp")


def test_what_the_gateway_has_not_stored_is_nobody_s() -> None:
    other = image()
    labels = msgspec.structs.replace(other.metadata.labels, owner="")
    other = msgspec.structs.replace(
        other, metadata=msgspec.structs.replace(other.metadata, labels=labels)
    )

    assert objects_of(other, "in") == []
    assert objects_of(image(outputs=[]), "i") == []


class World:
    """Stores and an API server that write down what is deleted; one key can't be."""

    names = ("uploads",)

    def __init__(self, refused: str = "") -> None:
        self.done: list[str] = []
        self._refused = refused

    def open(self, _: str) -> World:
        return self

    async def remove(self, key: str) -> None:
        if key == self._refused:
            raise ProblemError(ProblemReason.STORAGE_UNAVAILABLE, "down")
        self.done.append(key)

    async def delete(self, name: str, uid: str) -> bool:
        self.done.append(f"{name} {uid}")
        return True


def deleted(world: Any, found: Image) -> list[str]:
    asyncio.run(remove(found, "in", world, world))
    done: list[str] = world.done
    return done


def test_the_imagejob_goes_last() -> None:
    keys = [key for _, key in objects_of(image(), "in")]

    assert deleted(World(), image()) == [*keys, "img-1 uid-1"]


def test_a_store_that_is_down_keeps_the_imagejob_for_another_try() -> None:
    world = World(refused="derived/img-1/full.webp")

    with pytest.raises(ProblemError):
        deleted(world, image())

    assert world.done == ["in/1/original", "derived/img-1/thumb.webp"]


def test_what_is_in_a_store_of_somebody_else_stays() -> None:
    elsewhere = image(destination={"storeRef": {"name": "cdn"}})

    assert deleted(World(), elsewhere) == ["in/1/original", "img-1 uid-1"]
