"""Resolve an ImageJob's references into one item of a work order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from imagejob_operator.api.imagejob import ImageJob, Limits, Metadata, Output, ResolvedProfile
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.api.meta import Quantity
from imagejob_operator.api.quantity import to_bytes
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.destination import destination_of, overwriting_output
from imagejob_operator.config.bounds import timeout_of
from imagejob_operator.config.platform import Platform
from imagejob_operator.contract.order import OrderItem, OrderLimits, OrderMetadata, OrderSource


class Resolved(msgspec.Struct, frozen=True):
    """The order's item of an ImageJob whose references are complete, and the stores it needs."""

    item: OrderItem
    stores: dict[str, ImageStore]


class Held(msgspec.Struct, frozen=True):
    """A reference is missing or unusable for now. Not a failure: GitOps applies in any order."""

    reason: Reason
    message: str


class Refused(msgspec.Struct, frozen=True):
    """The ImageJob is invalid, and no other object can change that."""

    reason: Reason
    message: str


def resolve(
    job: ImageJob,
    profile: ImageProfile | None,
    stores: Mapping[str, ImageStore],
    platform: Platform,
) -> Resolved:
    """Resolve all references of the job. There must be no obstacle.

    `profile` is the one that spec.profileRef names, `stores` are those of its namespace by name.
    """
    source, destination = job.spec.source, destination_of(job)
    recipe = profile.spec if profile else job.spec
    item = OrderItem(
        uid=job.metadata.uid,
        name=job.metadata.name,
        attempt=(job.status.last_failure.attempt if job.status.last_failure else 0) + 1,
        source=OrderSource(
            store=source.store_ref.name,
            key=source.key,
            sha256=source.sha256,
            pinned_sha256=job.status.source.sha256 if job.status.source else None,
        ),
        destination=destination,
        outputs=tuple(_with_integers(output) for output in recipe.outputs),
        metadata=_metadata(recipe.metadata),
        limits=_lowered(platform, recipe.limits),
        timeout_seconds=timeout_of(job, platform.bounds),
        profile=_profile(profile) if profile else None,
        disruptions=job.status.disruptions or 0,
        memory_bytes=job.status.memory_bytes,
    )
    return Resolved(item, {name: stores[name] for name in _stores_of(job)})


def obstacle(
    job: ImageJob, profile: ImageProfile | None, stores: Mapping[str, ImageStore]
) -> Held | Refused | None:
    """Return why the job's references can't be resolved; None if they can."""
    missing = [name for name in _stores_of(job) if name not in stores]
    if missing:
        return Held(Reason.STORE_NOT_FOUND, f"there is no ImageStore {_list(missing)} yet")
    if job.spec.profile_ref and not profile:
        name = job.spec.profile_ref.name
        return Held(Reason.PROFILE_NOT_FOUND, f"there is no ImageProfile {_list([name])} yet")
    accounts = service_accounts(stores[name] for name in _stores_of(job))
    if len(accounts) > 1:
        message = "a pod has one service account, but the stores name two: " + ", ".join(accounts)
        return Held(Reason.WORKER_REFUSED, message)
    overwriting = overwriting_output(job, profile, stores)
    if overwriting:
        message = f'output "{overwriting}" would overwrite the source, {job.spec.source.key}'
        return Refused(Reason.INVALID_SPEC, message)
    return None


def _stores_of(job: ImageJob) -> list[str]:
    return sorted({job.spec.source.store_ref.name, destination_of(job).store})


def service_accounts(stores: Iterable[ImageStore]) -> list[str]:
    """Return the service accounts whose tokens give access to the stores, sorted."""
    names = {store.spec.s3.credentials.service_account_name for store in stores if store.spec.s3}
    return sorted(name for name in names if name)


def _list(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _with_integers(output: Output) -> Output:
    if output.max_bytes is None:
        return output
    return msgspec.structs.replace(output, max_bytes=to_bytes(output.max_bytes))


def _metadata(wanted: Metadata | None) -> OrderMetadata:
    return OrderMetadata(keep=wanted.keep if wanted else ())


def _lowered(platform: Platform, wanted: Limits | None) -> OrderLimits:
    """Take the smaller of each pair: a job may only lower the platform's limits."""
    wanted, limits = wanted or Limits(), platform.limits
    return OrderLimits(
        max_bytes=_smaller(limits.max_bytes, wanted.max_bytes),
        max_pixels=_smaller(limits.max_pixels, wanted.max_pixels),
        max_frames=_smaller(limits.max_frames, wanted.max_frames),
        min_bytes_per_second=platform.bounds.min_bytes_per_second or None,
        damage=wanted.damage,
    )


def _smaller(limit: int, wanted: Quantity | None) -> int:
    return limit if wanted is None else min(limit, to_bytes(wanted))


def _profile(profile: ImageProfile) -> ResolvedProfile:
    text = msgspec.json.encode(profile.spec, order="sorted")
    return ResolvedProfile(
        name=profile.metadata.name,
        generation=profile.metadata.generation,
        digest="sha256:" + hashlib.sha256(text).hexdigest(),
    )
