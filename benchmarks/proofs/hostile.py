"""Objects as large as the API server takes them, in every field that a tenant may write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from operatorbench import crowd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from imagejob_dev.rest import Object

SIZE = 250 * 1024
"""Bytes of an object, at least."""

PREFIX = ".".join(["x" * 61] * 4)
"""Of the longest keys there may be: managedFields have each again."""


def posts(namespaces: Sequence[str], count: int) -> Iterator[crowd.Post]:
    """So many: of each kind in turn, large in each place in turn, in each namespace in turn."""
    places, kinds = list(PLACES.values()), list(KINDS.items())
    for number in range(count):
        plural, make = kinds[number % len(kinds)]
        place = places[number // len(kinds) % len(places)]
        namespace = namespaces[number // (len(kinds) * len(places)) % len(namespaces)]
        thing = make(f"big-{number:05}")
        thing["metadata"] |= place()
        path = f"{crowd.API}/namespaces/{namespace}/{plural}?fieldManager={'m' * 100}"
        yield crowd.Post(path, json.dumps(thing).encode())


def _annotation() -> Object:
    """One, with all that annotations may have together."""
    return {"annotations": {"example.com/note": "x" * SIZE}}


def _labels() -> Object:
    """As many; managedFields name each."""
    keys = _keys(SIZE // (2 * len(PREFIX) + 190))
    return {"labels": dict.fromkeys(keys, "x" * 63)}


def _managed_fields() -> Object:
    """Annotations without a value: what names them takes as much."""
    return {"annotations": dict.fromkeys(_keys(SIZE // (2 * len(PREFIX) + 130)), "")}


def _keys(count: int) -> list[str]:
    return [f"{PREFIX}/{number:063}" for number in range(count)]


def _spec() -> Object:
    """The spec is as large as its schema lets it be in any case, and that is not much."""
    return {"annotations": {"imagejob.dev/requested-by": "x" * SIZE}}


PLACES: dict[str, Callable[[], Object]] = {
    "annotations": _annotation,
    "labels": _labels,
    "managedFields": _managed_fields,
    "spec": _spec,
}


def _outputs() -> list[Object]:
    return [
        {"name": f"{number:02}".ljust(63, "x"), "width": 10, "cacheControl": "x" * 256}
        for number in range(16)
    ]


def _profile(name: str) -> Object:
    return crowd.ours("ImageProfile", name, {"outputs": _outputs()})


def _job(name: str) -> Object:
    source = {"storeRef": {"name": "uploads"}, "key": "k" * 1024}
    return crowd.ours("ImageJob", name, {"source": source, "suspend": True, "outputs": _outputs()})


def _store(name: str) -> Object:
    pem = "-----BEGIN CERTIFICATE-----\n" + "x" * 16_000 + "\n-----END CERTIFICATE-----\n"
    return crowd.ours(
        "ImageStore",
        name,
        {"s3": {**crowd.STORE["s3"], "endpoint": "https://s3.invalid", "caBundle": pem}},
    )


KINDS: dict[str, Callable[[str], Object]] = {
    "imageprofiles": _profile,
    "imagejobs": _job,
    "imagestores": _store,
}
