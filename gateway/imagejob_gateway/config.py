"""The gateway's settings: one JSON file, which the chart renders."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from imagejob_operator.api.imagejob import SourceFormat
from imagejob_operator.api.meta import Quantity
from imagejob_operator.api.quantity import to_bytes
from imagejob_operator.observability.logging import Format
from imagejob_operator.quota.rates import Rate, parse_rate
from msgspec import Meta

from .dialing import PRIVATE_NETWORKS, dial

if TYPE_CHECKING:
    from .dialing import Dial

CONFIG = "IMAGEJOB_GATEWAY_CONFIG"
"""The variable that names the file."""

LONGEST_LEASE = 300
"""Seconds that an upload may be without a sign of life."""

Name = Annotated[str, Meta(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
Address = Annotated[str, Meta(pattern=r"^[^\s/]*:\d{1,5}$")]

_SEGMENT = r"(\.?[A-Za-z0-9_-]|\.\.[A-Za-z0-9._-])[A-Za-z0-9._-]*"
Prefix = Annotated[str, Meta(pattern=rf"^{_SEGMENT}(/{_SEGMENT})*$", max_length=256)]
"""Of keys. Without `.` and `..`, which HTTP clients leave out of paths: they lead to other keys."""

Issuer = Annotated[str, Meta(pattern=r"^[!-\"$-~]+$", min_length=1, max_length=512)]
"""As tokens have it: printable ASCII without spaces, and without #, which ends it in the audit."""

Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]

LONGEST_SLOT = 6 * 3600
"""Seconds."""


class SettingsError(ValueError):
    """The file is missing or invalid; the message says where."""


class Part(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Base of everything in the file."""


class DirectSettings(Part, frozen=True):
    """How clients put objects into a store themselves, as far as stores differ.

    `method` is a presigned PUT, or a form with a POST policy. `conditional`: it takes PUTs with
    `If-None-Match: *`. `checksums`: it knows S3's own (`x-amz-checksum-…`).
    """

    method: Literal["PUT", "POST"] = "PUT"
    conditional: bool = True
    checksums: bool = True


class StoreSettings(Part, frozen=True):
    """An ImageStore, and the folder with its Secret.

    `public_endpoint` is where clients reach the store if that is elsewhere than for the gateway.
    """

    name: Name
    credentials: str
    public_endpoint: str = ""
    direct: DirectSettings = DirectSettings()


class ProfileSettings(Part, frozen=True):
    """An ImageProfile that clients may choose; its images go into `store`, or the first one."""

    name: Name
    store: str = ""


class IssuerSettings(Part, frozen=True):
    """Who signs tokens, for which audience, and with which one algorithm.

    Its keys are in a file, in `public_key` (PEM or JWK), or at `jwks_url`. `key_id` is the `kid` of
    a key that has none of its own; `allow_http` permits a JWKS URL without TLS.
    """

    issuer: Issuer
    audience: Annotated[str, Meta(min_length=1, max_length=512)]
    key_file: str = ""
    algorithm: Algorithm = "HS256"
    public_key: Annotated[str, Meta(max_length=64 * 1024)] = ""
    jwks_url: Annotated[str, Meta(max_length=2048)] = ""
    key_id: Annotated[str, Meta(max_length=256)] = ""
    allow_http: bool = False

    def __post_init__(self) -> None:
        if sum(map(bool, (self.key_file, self.public_key, self.jwks_url))) != 1:
            raise ValueError(f"{self.issuer} needs one of keyFile, publicKey and jwksUrl")
        if self.algorithm == "HS256" and not self.key_file:
            raise ValueError(
                f"{self.issuer} needs a keyFile: the key for HS256 is a secret, not a public key"
            )
        if self.jwks_url and self.key_id:
            raise ValueError(f"{self.issuer} needs no keyId: its JWK Set has the ids of its keys")
        if self.jwks_url and not _is_safe(self.jwks_url, allow_http=self.allow_http):
            raise ValueError(
                f"jwksUrl of {self.issuer} isn't an https:// URL, and allowHttp isn't set"
            )


class SlotSettings(Part, frozen=True):
    """Direct uploads: where they land, how long they may take, and how many an owner may await."""

    prefix: Prefix = "quarantine"
    seconds: Annotated[int, Meta(ge=60, le=LONGEST_SLOT)] = 15 * 60
    max_open: Annotated[int, Meta(ge=1, le=100)] = 100


class Settings(Part, frozen=True):
    """The first profile is the default; `prefix` is where originals go in a store.

    `cors_origins` may use the gateway from a browser; `url_seconds` is how long a presigned URL of
    an output is valid. `limit_per_subject` is how many images one may upload, such as `50/1h`;
    `retries_per_subject` how many uploads may fail, or be sent again, at each replica;
    `lease_seconds` after how long an upload without a sign of life is given up;
    `min_bytes_per_second` what a body has to come at. `hosts` are those that clients reach the
    gateway by. `internal_cidrs` are the networks, beside public ones, in which stores and issuers
    may be. `metrics_listen` is "" to serve no metrics.
    """

    namespace: Name
    stores: Annotated[tuple[StoreSettings, ...], Meta(min_length=1, max_length=16)]
    profiles: Annotated[tuple[ProfileSettings, ...], Meta(min_length=1, max_length=64)]
    issuers: Annotated[tuple[IssuerSettings, ...], Meta(min_length=1, max_length=16)]
    listen: Address = ":8080"
    hosts: tuple[str, ...] = ()
    max_connections: Annotated[int, Meta(ge=1, le=65_536)] = 512
    metrics_listen: Annotated[str, Meta(pattern=r"^([^\s/]*:\d{1,5})?$")] = ":8081"
    prefix: Prefix = "uploads"
    formats: tuple[SourceFormat, ...] = ("jpeg", "png", "webp")
    max_bytes: Quantity = "50Mi"
    limit_per_subject: str = "50/1h"
    retries_per_subject: str = "200/1h"
    lease_seconds: Annotated[int, Meta(ge=1, le=LONGEST_LEASE)] = 30
    min_bytes_per_second: Annotated[int, Meta(ge=1)] = 1024
    url_seconds: Annotated[int, Meta(ge=1, le=6 * 3600)] = 300
    internal_cidrs: Annotated[tuple[str, ...], Meta(max_length=64)] = PRIVATE_NETWORKS
    slots: SlotSettings = SlotSettings()
    cors_origins: tuple[str, ...] = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Format = "json"

    def __post_init__(self) -> None:
        if self.byte_limit < 1:
            raise ValueError(f"maxBytes isn't a number of bytes: {self.max_bytes}")
        if len({each.issuer for each in self.issuers}) < len(self.issuers):
            raise ValueError("an issuer is listed twice; each has one algorithm")
        _ = self.rate, self.retry_rate, self.dial
        for store in self.stores:
            if self.is_own(store.public_endpoint):
                raise ValueError(
                    f"publicEndpoint of {store.name} is on a host of the gateway: clients that are "
                    "redirected there send their tokens along"
                )
        if _overlap(self.prefix, self.slots.prefix):
            raise ValueError(
                "slots.prefix and prefix overlap: direct uploads need a prefix of their own"
            )
        known = {store.name for store in self.stores}
        for profile in self.profiles:
            if profile.store and profile.store not in known:
                raise ValueError(f"profile {profile.name} uses an unknown store: {profile.store}")

    @property
    def byte_limit(self) -> int:
        """The largest upload, in bytes."""
        return to_bytes(self.max_bytes)

    @property
    def rate(self) -> Rate:
        """The limit per subject."""
        return parse_rate(self.limit_per_subject)

    @property
    def retry_rate(self) -> Rate:
        """How much may be worked for a subject in vain."""
        return parse_rate(self.retries_per_subject)

    def is_own(self, url: str) -> bool:
        """Whether a URL leads to a host of the gateway's own, on whatever port."""
        host = (urlsplit(url).hostname or "").rstrip(".")
        return host in {each.lower().rstrip(".") for each in self.hosts}

    @property
    def dial(self) -> Dial:
        """What opens sockets to stores and issuers."""
        return dial(self.internal_cidrs)

    def profile(self, name: str) -> ProfileSettings | None:
        """The profile of that name, "" for the first one; None if none is offered under it."""
        if not name:
            return self.profiles[0]
        return next((each for each in self.profiles if each.name == name), None)

    @property
    def offered(self) -> tuple[str, ...]:
        """The names of the profiles."""
        return tuple(each.name for each in self.profiles)

    def store_of(self, profile: ProfileSettings) -> str:
        """The name of the profile's store."""
        return profile.store or self.stores[0].name

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where to listen; the host is "" for every address."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


def _overlap(one: str, other: str) -> bool:
    """Whether keys of one prefix may begin with the other."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def load(path: str) -> Settings:
    """Read the file. Raises SettingsError."""
    if not path:
        raise SettingsError(f"{CONFIG} doesn't name the file of settings")
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Settings)
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def _is_safe(url: str, *, allow_http: bool) -> bool:
    """Whether keys may be fetched there: by TLS, unless it is on this machine, or allowed."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.username is not None or parts.fragment:
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and (allow_http or _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
