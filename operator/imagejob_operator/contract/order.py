"""The work order, as the operator builds it and reads it back from a worker Job.

docs/work-order.md is the contract with the worker. The fields that a worker ignores (`name`,
`attempt`, `disruptions`, `memoryBytes`, `profile`; of stores `generation`, `claimName`, `subPath`)
make the order the record of its dispatch: after a restart, or after a change to a profile or a
store, only the worker Job shows what its ImageJobs were dispatched as.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from functools import lru_cache
from typing import Literal

import msgspec

from imagejob_operator.api.imagejob import Damage, Keepable, Output, ResolvedProfile, SourceFormat
from imagejob_operator.api.meta import Resource

Sandbox = Literal["require", "prefer", "off"]
"""Whether images are processed where the kernel lacks a protection, or without any."""

MAX_ENCODED_BYTES = 96 * 1024
"""Bytes of base64. A single environment string over 128 KiB makes exec fail on Linux."""


class OrderSource(Resource, frozen=True):
    """The object to read, in a store of the order; `pinned_sha256` if an earlier attempt has read
    it."""

    store: str
    key: str
    sha256: str | None = None
    pinned_sha256: str | None = None


class OrderDestination(Resource, frozen=True):
    """Where to store outputs: `<prefix>/<output name>.<extension>`."""

    store: str
    prefix: str


class OrderLimits(Resource, frozen=True):
    """Resolved limits: bytes, decoded pixels, frames, the slowest transfer, and damage."""

    max_bytes: int
    max_pixels: int
    max_frames: int
    min_bytes_per_second: int | None = None
    damage: Damage = "Refuse"


class OrderMetadata(Resource, frozen=True):
    """The kinds of source metadata that outputs keep."""

    keep: tuple[Keepable, ...] = ()


class OrderItem(Resource, frozen=True):
    """One ImageJob, resolved: it references no object that could change.

    `disruptions` counts its earlier workers that the cluster has removed, `memory_bytes` is what
    one of them has found that it takes.
    """

    uid: str
    name: str
    attempt: int
    source: OrderSource
    destination: OrderDestination
    outputs: tuple[Output, ...]
    limits: OrderLimits
    timeout_seconds: int
    metadata: OrderMetadata = OrderMetadata()
    profile: ResolvedProfile | None = None
    disruptions: int = 0
    memory_bytes: int | None = None


class OrderS3(Resource, frozen=True):
    """A bucket; its credentials are files in the store's folder."""

    endpoint: str
    bucket: str
    region: str
    path_style: bool
    prefix: str | None = None
    ca_bundle: str | None = None
    role_arn: str | None = None


class OrderVolume(Resource, frozen=True):
    """A folder of a PersistentVolumeClaim, mounted at the store's name."""

    claim_name: str | None = None
    sub_path: str | None = None


class OrderStore(Resource, frozen=True):
    """Exactly one of `s3` and `volume`, with the generation of its ImageStore."""

    s3: OrderS3 | None = None
    volume: OrderVolume | None = None
    generation: int | None = None


class Order(Resource, frozen=True):
    """Everything that one worker Job has to do. Memory in bytes.

    `internal_cidrs` are the networks, beside public ones, in which its stores may be.
    """

    version: int
    formats: tuple[SourceFormat, ...]
    parallelism: int
    child_memory_bytes: int
    stores: dict[str, OrderStore]
    items: tuple[OrderItem, ...]
    internal_cidrs: tuple[str, ...] = ()
    sandbox: Sandbox = "prefer"

    def encode(self) -> str:
        """Return base64 of JSON: the same text for equal orders."""
        return base64.b64encode(msgspec.json.encode(self, order="sorted")).decode()


class OrderError(ValueError):
    """Text that is not a work order."""


@lru_cache(maxsize=32)  # a Job is received several times, each time with its whole order
def decode(text: str) -> Order:
    """Decode a work order. Raises OrderError."""
    try:
        return msgspec.json.decode(base64.b64decode(text, validate=True), type=Order)
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise OrderError(str(error)) from error


def digest(encoded: str) -> str:
    """Return the digest that a worker Job carries to prove which order it was created for."""
    return "sha256:" + hashlib.sha256(encoded.encode()).hexdigest()
