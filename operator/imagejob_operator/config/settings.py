"""The operator's settings, read from its environment once at start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from imagejob_operator.api.imagejob import SourceFormat
from imagejob_operator.api.quantity import to_bytes
from imagejob_operator.contract.order import OrderLimits, Sandbox
from imagejob_operator.observability.logging import Format
from imagejob_operator.quota.rates import Policy, parse_rate

from .bounds import Bounds
from .platform import PRIVATE_NETWORKS, Caps, Platform, WorkerMemory
from .timings import Timings
from .worker_pod import Annotations, Labels, ObjectName, Toleration, WorkerPod, reserved

PREFIX = "IMAGEJOB_"
LISTS = ("formats", "internal_cidrs", "quota", "worker_image_pull_secrets")
JSON = (
    *("worker_node_selector", "worker_tolerations", "worker_annotations", "worker_labels"),
    "timings",
)
BYTES = (
    *("max_bytes", "min_bytes_per_second", "worker_memory", "child_memory", "scratch_size"),
    "namespace_memory",
    *("small_worker_memory", "small_child_memory", "large_worker_memory", "large_child_memory"),
)

Positive = Annotated[int, Meta(ge=1)]
LeaseSeconds = Annotated[int, Meta(ge=3, le=300)]  # a shorter lease is lost by one slow answer
Share = Annotated[float, Meta(ge=0, le=1)]
TimeoutSeconds = Annotated[int, Meta(ge=1, le=3600)]
Retries = Annotated[int, Meta(ge=0, le=10)]
Address = Annotated[str, Meta(pattern=r"^([^\s/]*:\d{1,5})?$")]


class SettingsError(ValueError):
    """An invalid variable; the message names it."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field per variable: `worker_image` is IMAGEJOB_WORKER_IMAGE. Sizes in bytes.

    Fields in JSON hold JSON in their variables, as in a pod's manifest. `namespace` is the
    operator's own, `quota` the rates of a namespace without an ImageQuota, `backoff_seconds` the
    delay before the first retry, `timings` the other delays, in seconds as JSON, which only tests
    set, `internal_cidrs` the networks, beside public ones, in which stores may be, `large_…` the
    memory after an attempt ran out of memory,
    `reserved_worker_share` the share of workers for namespaces with at most one, `listen` the
    "host:port" of probes and metrics ("": none; ":port": every address), `metrics_namespaces` how
    many namespaces have series of their own, `namespace_memory` how much of the operator's memory
    the objects of one namespace may take, `trust_requester` whether the annotation that names the
    requester can't be forged, `trust_on_behalf_of` the same of the one that gateways set.
    """

    worker_image: str
    worker_image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    worker_image_pull_secrets: tuple[ObjectName, ...] = ()
    worker_node_selector: Labels = {}
    worker_tolerations: tuple[Toleration, ...] = ()
    worker_annotations: Annotations = {}
    worker_labels: Labels = {}
    worker_priority_class_name: str = ""
    worker_runtime_class_name: str = ""
    worker_cpu_millis: Positive = 250
    worker_memory: Positive = 1024**3
    worker_parallelism: Positive = 2
    child_memory: Positive = 768 * 1024**2
    small_worker_memory: Positive = 384 * 1024**2
    small_child_memory: Positive = 256 * 1024**2
    large_worker_memory: Positive = 3 * 1024**3
    large_child_memory: Positive = 2816 * 1024**2
    worker_sandbox: Sandbox = "prefer"
    scratch_size: Positive = 2 * 1024**3
    formats: tuple[SourceFormat, ...] = ("jpeg", "png", "webp")
    internal_cidrs: Annotated[tuple[str, ...], Meta(max_length=64)] = PRIVATE_NETWORKS
    max_bytes: Positive = 50 * 1024**2
    max_pixels: Positive = 50_000_000
    max_frames: Positive = 100
    max_timeout_seconds: TimeoutSeconds = 600
    max_retries: Retries = 5
    min_bytes_per_second: Annotated[int, Meta(ge=0)] = 16 * 1024
    quota: tuple[str, ...] = ("50/1h",)
    max_workers: Positive = 64
    max_workers_per_namespace: Positive = 32
    reserved_worker_share: Share = 0.25
    backoff_seconds: Positive = 10
    timings: Timings = Timings()
    trust_requester: bool = False
    trust_on_behalf_of: bool = False
    namespace: str = "imagejob-system"
    leader_election: bool = True
    lease_seconds: LeaseSeconds = 15
    listen: Address = ""
    instance: str = ""
    metrics_namespaces: Positive = 200
    namespace_memory: Positive = 128 * 1024**2
    log_level: str = "INFO"
    log_format: Format = "json"

    @property
    def platform(self) -> Platform:
        """The settings that decisions need."""
        return Platform(
            worker_image=self.worker_image,
            worker_image_pull_policy=self.worker_image_pull_policy,
            formats=self.formats,
            internal_cidrs=self.internal_cidrs,
            limits=OrderLimits(
                max_bytes=self.max_bytes, max_pixels=self.max_pixels, max_frames=self.max_frames
            ),
            bounds=Bounds(self.max_timeout_seconds, self.max_retries, self.min_bytes_per_second),
            worker_cpu_millis=self.worker_cpu_millis,
            memory=WorkerMemory(self.worker_memory, self.child_memory),
            small_memory=WorkerMemory(self.small_worker_memory, self.small_child_memory),
            large_memory=WorkerMemory(self.large_worker_memory, self.large_child_memory),
            scratch_bytes=self.scratch_size,
            parallelism=self.worker_parallelism,
            sandbox=self.worker_sandbox,
            pod=self._worker_pod,
            backoff=timedelta(seconds=self.backoff_seconds),
            timings=self.timings,
            trusts_requester=self.trust_requester,
            trusts_on_behalf_of=self.trust_on_behalf_of,
        )

    @property
    def _worker_pod(self) -> WorkerPod:
        return WorkerPod(
            image_pull_secrets=self.worker_image_pull_secrets,
            node_selector=self.worker_node_selector,
            tolerations=self.worker_tolerations,
            annotations=self.worker_annotations,
            labels=self.worker_labels,
            priority_class_name=self.worker_priority_class_name,
            runtime_class_name=self.worker_runtime_class_name,
        )

    @property
    def caps(self) -> Caps:
        """The settings that limit how much runs at once."""
        return Caps(
            default=Policy(tuple(parse_rate(rate) for rate in self.quota)),
            max_workers=self.max_workers,
            max_workers_per_namespace=self.max_workers_per_namespace,
            reserved_share=self.reserved_worker_share,
        )


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read `IMAGEJOB_…` variables; lists are comma-separated, sizes are Kubernetes quantities.

    Raises SettingsError.
    """
    raw: dict[str, object] = {}
    for field in Settings.__struct_fields__:
        value = environment.get(PREFIX + field.upper())
        if value is None:
            continue
        try:
            raw[field] = _convert(field, value)
        except (ValueError, msgspec.DecodeError) as error:
            raise SettingsError(f"{PREFIX}{field.upper()}: {error}") from error
    try:
        settings = msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        if missing := re.fullmatch(r"Object missing required field `(\w+)`", str(error)):
            raise SettingsError(f"{PREFIX}{missing[1].upper()} must be set") from error
        field_of = re.search(r"\$\.(\w+)", str(error))
        name = field_of[1].upper() if field_of else "… variables"
        raise SettingsError(f"{PREFIX}{name}: {error}") from error
    _check_memory(settings)
    return settings


def _convert(field: str, value: str) -> object:
    if field in LISTS:
        parts = tuple(part.strip() for part in value.split(",") if part.strip())
        if field == "quota":
            _check_rates(parts)
        if field == "internal_cidrs":
            return tuple(str(ip_network(part, strict=False)) for part in parts)
        return parts
    if field in JSON:
        return _read_json(field, value)
    return to_bytes(value) if field in BYTES else value


def _read_json(field: str, value: str) -> object:
    read: object = msgspec.json.decode(value)
    if field == "worker_labels" and isinstance(read, dict) and (ours := reserved(read)):
        raise ValueError(f"{', '.join(ours)} is reserved for the operator")
    return read


def _check_memory(settings: Settings) -> None:
    """Check that a pod has more memory than the image's process in it. Raises SettingsError."""
    for size in ("small_", "", "large_"):
        child, pod = f"{size}child_memory", f"{size}worker_memory"
        if getattr(settings, child) >= getattr(settings, pod):
            message = f"must be less than {PREFIX}{pod.upper()}"
            raise SettingsError(f"{PREFIX}{child.upper()}: {message}")


def _check_rates(rates: tuple[str, ...]) -> None:
    """Check as the CRD does: at least one rate, and one per window. Raises ValueError."""
    windows = [parse_rate(rate).per for rate in rates]
    if not windows:
        raise ValueError("at least one rate is needed, such as 50/1h")
    if len(set(windows)) < len(windows):
        raise ValueError("two rates have the same window, such as 50/1h and 60/1h")
