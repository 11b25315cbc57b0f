"""Checks of objects that types can't express.

The API server has validated each object, but against the CRD that it has: another version's may
allow what this operator can't calculate with. Such an object is as unreadable as one of another
shape, and is found out here, once, and not by the first decision that stumbles over it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from imagejob_operator.api.imagejob import ImageJob, Limits, Output
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.api.meta import Quantity
from imagejob_operator.api.quantity import LARGEST, to_bytes
from imagejob_operator.api.reasons import Reason
from imagejob_operator.contract.place import destination_key
from imagejob_operator.quota.rates import parse_rate

from .object_store import HasMetadata
from .pod import Pod

FIRST_YEAR, LAST_YEAR = 1970, 8999
"""Delays are added to times, and ages subtracted: neither may leave the calendar."""

Check = Callable[[Any], None]
"""Raises ValueError for a value that can't be calculated with."""

LONGEST_VERSION = 19
"""Digits of a resource version: etcd's revisions have 63 bits."""


def check_usable(thing: HasMetadata) -> None:
    """Raise ValueError, OverflowError or TypeError for an object that can't be used."""
    meta = thing.metadata
    for field in ("name", "namespace", "uid"):
        if not getattr(meta, field):
            raise ValueError(f"metadata.{field} is missing")
    if version_number(meta.resource_version) is None:
        raise ValueError("metadata.resourceVersion is not a number")
    check = _check_of_struct(type(thing))
    if check:
        check(thing)
    _check_kind(thing)


def version_number(text: str) -> int | None:
    """Return a resource version as an integer, which is comparable (KEP-5504); None for others."""
    is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_VERSION
    return int(text) if is_number else None


def _check_time(time: datetime) -> None:
    if time.tzinfo is None or not FIRST_YEAR <= time.year <= LAST_YEAR:
        raise ValueError(f"the time {time.isoformat()} has no zone, or is out of range")


def _check_integer(number: int) -> None:
    if not -LARGEST <= number <= LARGEST:
        raise ValueError("a number is out of range: it has more than 64 bits")


@cache
def _check_of_struct(kind: type) -> Check | None:
    """Return a check of all times and integers in a Struct, at any depth; None if it has none.

    It is made once for each type, and visits only fields that have any: every object is checked.
    """
    fields = msgspec.structs.fields(kind)
    found = ((field.name, _check_of(msgspec.inspect.type_info(field.type))) for field in fields)
    checks = [(name, check) for name, check in found if check]

    def check_all(thing: object) -> None:
        for name, check in checks:
            value = getattr(thing, name)
            if value is not None:
                check(value)

    return check_all if checks else None


def _check_of(kind: msgspec.inspect.Type) -> Check | None:
    match kind:
        case msgspec.inspect.DateTimeType():
            return _check_time
        case msgspec.inspect.IntType(le=None):  # the decoder has checked the range of others
            return _check_integer
        case msgspec.inspect.StructType():
            return _check_of_struct(kind.cls)
        case msgspec.inspect.UnionType(types=[inner, msgspec.inspect.NoneType()]):
            return _check_of(inner)
        case msgspec.inspect.VarTupleType():
            return _check_of_tuple(_check_of(kind.item_type))
        case _:  # text; quantities have a check of their own
            return None


def _check_of_tuple(check: Check | None) -> Check | None:
    if check is None:
        return None

    def check_all(things: tuple[object, ...]) -> None:
        for thing in things:
            check(thing)

    return check_all


def _check_kind(thing: Any) -> None:  # noqa: ANN401 (an object of any kind)
    match thing:
        case Pod():
            _check_seconds(thing.spec.active_deadline_seconds)
        case ImageJob() | ImageProfile() | ImageStore() | ImageQuota():
            _check_ours(thing)


def _check_ours(thing: ImageJob | ImageProfile | ImageStore | ImageQuota) -> None:
    match thing:
        case ImageJob():
            _check_recipe(thing.spec.outputs, thing.spec.limits)
            failure = thing.status.last_failure
            if failure:
                Reason(failure.reason)
        case ImageProfile():
            _check_recipe(thing.spec.outputs, thing.spec.limits)
        case ImageStore():
            if thing.spec.s3 and thing.spec.volume:
                raise ValueError("spec has both s3 and volume")
            destination_key(thing, "")
        case ImageQuota():
            _check_quota(thing)


def _check_recipe(outputs: tuple[Output, ...], limits: Limits | None) -> None:
    for output in outputs:
        _check_size(output.max_bytes)
    _check_size(limits.max_bytes if limits else None)


def _check_quota(quota: ImageQuota) -> None:
    if not quota.spec.limits:
        raise ValueError("spec.limits is empty")
    for limit in quota.spec.limits:
        parse_rate(f"{limit.jobs}/{limit.per}")
    bounds = quota.spec.worker_limits
    _check_size(bounds.min_bytes_per_second if bounds else None)


def _check_seconds(seconds: int | None) -> None:
    if seconds is not None and not 0 <= seconds < 1 << 31:
        raise ValueError(f"{seconds} seconds are out of range")


def _check_size(size: Quantity | None) -> None:
    if size is not None and to_bytes(size) < 1:
        raise ValueError(f"{size!r} is not a number of bytes")
