"""The work order: what one worker process is to do.

docs/work-order.md describes the format; the golden files in tests/data/orders test it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

import msgspec

Fit = Literal["inside", "cover", "contain", "fill"]
Gravity = Literal[
    "center", "north", "south", "east", "west",
    "northeast", "northwest", "southeast", "southwest", "smart",
]  # fmt: skip
SourceFormat = Literal["jpeg", "png", "webp", "avif", "gif", "tiff"]
OutputFormat = Literal["jpeg", "png", "webp", "avif", "auto"]
Keepable = Literal["icc"]
Sandbox = Literal["require", "prefer", "off"]
Damage = Literal["Refuse", "Note"]

Side = Annotated[int, msgspec.Meta(ge=1, le=16383)]


class Output(msgspec.Struct, frozen=True, rename="camel"):
    """One file to make from the source. Sides in pixels, `max_bytes` in bytes."""

    name: str
    width: Side | None = None
    height: Side | None = None
    fit: Fit = "inside"
    gravity: Gravity = "center"
    enlarge: bool = False
    format: OutputFormat = "auto"
    quality: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    lossless: bool = False
    max_bytes: int | None = None
    progressive: bool = False
    animated: bool = False
    background: str | None = None
    cache_control: str | None = None


class Limits(msgspec.Struct, frozen=True, rename="camel"):
    """The limits of a source: stored bytes, decoded pixels (width × height × frames), frames.

    `min_bytes_per_second` is the least rate of a transfer from or to a store, over 30 seconds; None
    sets no minimum. `damage` says whether a source of which much is missing or damaged is refused.
    """

    max_bytes: int
    max_pixels: int
    max_frames: int
    min_bytes_per_second: Annotated[int, msgspec.Meta(ge=1)] | None = None
    damage: Damage = "Refuse"


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """Which of the source's metadata the outputs keep; all other is removed."""

    keep: tuple[Keepable, ...] = ()


class Source(msgspec.Struct, frozen=True, rename="camel"):
    """The object to read. With `sha256` (hex), no other content is accepted.

    Nor is it with `pinned_sha256` (hex), the content that an earlier attempt of the ImageJob read.
    """

    store: str
    key: str
    sha256: str | None = None
    pinned_sha256: str | None = None


class Destination(msgspec.Struct, frozen=True, rename="camel"):
    """Where outputs go: `<prefix>/<output name>.<extension>`."""

    store: str
    prefix: str


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """One ImageJob's share of the order."""

    uid: str
    source: Source
    destination: Destination
    outputs: Annotated[tuple[Output, ...], msgspec.Meta(min_length=1, max_length=16)]
    limits: Limits
    metadata: Metadata = Metadata()
    timeout_seconds: Annotated[int, msgspec.Meta(ge=1)] = 120


class S3(msgspec.Struct, frozen=True, rename="camel"):
    """An S3-compatible bucket; credentials are files in the store's folder."""

    endpoint: str
    bucket: str
    region: str = "us-east-1"
    prefix: str = ""
    path_style: bool = True
    ca_bundle: str | None = None
    role_arn: str | None = None


class Volume(msgspec.Struct, frozen=True):
    """A folder, mounted at the store's name."""


class Store(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Exactly one of the two."""

    s3: S3 | None = None
    volume: Volume | None = None


class Order(msgspec.Struct, frozen=True, rename="camel"):
    """All that one worker process is to do. Memory in bytes.

    `internal_cidrs` are the networks, beside public ones, in which its stores may be.
    """

    items: Annotated[tuple[Item, ...], msgspec.Meta(min_length=1, max_length=24)]
    stores: dict[str, Store]
    child_memory_bytes: int
    version: Literal[1] = 1
    formats: tuple[SourceFormat, ...] = ("jpeg", "png", "webp")
    parallelism: Annotated[int, msgspec.Meta(ge=1)] = 1
    internal_cidrs: tuple[str, ...] = ()
    sandbox: Sandbox = "prefer"


class OrderError(ValueError):
    """The order can't be read; the message names the field."""


def decode(text: str) -> Order:
    """Read an order from base64 of JSON.

    Raises OrderError with the path of the offending field.
    """
    try:
        order = msgspec.json.decode(base64.b64decode(text, validate=True), type=Order)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OrderError(f"the work order can't be read: {error}") from error
    for item in order.items:
        for store in (item.source.store, item.destination.store):
            if store not in order.stores:
                raise OrderError(f"item {item.uid} names store {store!r}, which the order lacks")
    return order
