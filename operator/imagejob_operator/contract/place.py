"""Destinations in object storage and on volumes, compared by identity and not by spelling.

Two ImageStores may resolve to the same place: no output may overwrite its own source, and no two
workers may write to one place at once, through whichever store. All endpoints that the policies of
policies/stores.yaml consider equal are equal here, and some more, for a mistake here would lose an
image:

- scheme, default port, upper case, trailing dots and slashes, and the form of an IP address
  (`[::ffff:10.1.2.3]`, `0x0a.1.515`) make no difference, nor do http and https at their own ports;
- a bucket in the host's name equals one in the path, whether store or endpoint puts it there;
- Amazon's endpoints are one in each of its partitions, as bucket names are;
- a Service has one name: `minio`, `minio.storage`, `minio.storage.svc.cluster.local`, seen from
  the namespace `storage`;
- a folder is a folder, whether it is part of the store's prefix or of the key.

Spellings can't show everything: other DNS names for the same server, ports and proxies that lead to
it, aliases of access points, two claims of one volume, a volume that is served as a bucket, and
case-insensitive file systems are not recognised.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from imagejob_operator.api.imagestore import ImageStore

from .order import OrderStore

CLUSTER_SUFFIXES = (".cluster.local", ".svc")
"""Suffixes that a Service's name may have within the cluster, the last first."""

DEFAULT_PORTS = (80, 443)

_AMAZON = re.compile(
    r"(?:(?P<bucket>.+)[.])?s3[a-z0-9-]*(?:[.][a-z0-9-]+)*?[.](?P<partition>amazonaws[.]com(?:[.]cn)?)"
)
"""`s3.amazonaws.com`, `s3.eu-central-1…`, `s3-fips.dualstack.us-east-1…`, with a bucket or not."""


class DestinationKey(msgspec.Struct, frozen=True):
    """An object or a folder: a server (`host` or `host:port`) or claim (`claim/name`), and a path.

    The path begins with the bucket, if there is one; it neither begins nor ends with `/`.
    """

    server: str
    path: str

    def readings(self) -> tuple[DestinationKey, ...]:
        """Return the key itself, and the same with the bucket in the host's name, unless that is an
        address."""
        first, _, rest = self.path.partition("/")
        if not rest or "/" in self.server or _is_address(self.server):
            return (self,)
        return self, DestinationKey(f"{first.lower()}.{self.server}", rest)

    def may_be(self, other: DestinationKey) -> bool:
        """Whether the two may be the same destination, by any reading."""
        return not frozenset(self.readings()).isdisjoint(other.readings())


def destination_key(store: ImageStore, key: str) -> DestinationKey:
    """Return the destination of a key in the store.

    Raises ValueError for a store without `s3` or `volume`.
    """
    s3, volume, namespace = store.spec.s3, store.spec.volume, store.metadata.namespace
    if s3:
        root = _root(s3.endpoint, s3.bucket, namespace, path_style=s3.path_style)
        return _below(root, s3.prefix, key)
    if volume:
        return _on_claim(volume.claim_name, volume.sub_path, key)
    raise ValueError(f"ImageStore {store.metadata.name}: spec has neither s3 nor volume")


def destination_key_in_order(store: OrderStore, key: str, namespace: str) -> DestinationKey | None:
    """Return the destination of a key in a store of a work order; None if the store is
    incomplete."""
    s3, volume = store.s3, store.volume
    if s3:
        root = _root(s3.endpoint, s3.bucket, namespace, path_style=s3.path_style)
        return _below(root, s3.prefix, key)
    if volume and volume.claim_name:
        return _on_claim(volume.claim_name, volume.sub_path, key)
    return None


def _on_claim(claim: str, sub_path: str | None, key: str) -> DestinationKey:
    return _below(DestinationKey(f"claim/{claim}", ""), sub_path, key)


def _below(root: DestinationKey, *parts: str | None) -> DestinationKey:
    return DestinationKey(root.server, _joined([root.path, *(part or "" for part in parts)]))


def _joined(parts: Iterable[str]) -> str:
    """Join paths without empty and `.` segments, and resolve `..`, which only an endpoint may
    have."""
    steps: list[str] = []
    for step in (each for part in parts for each in part.split("/")):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


@lru_cache(maxsize=4096)  # every ImageJob of a store asks for its root
def _root(endpoint: str, bucket: str, namespace: str, *, path_style: bool) -> DestinationKey:
    """Return the bucket's own location: its server and its path there."""
    host, port, folder = _address(endpoint)
    host = _one_name(host, namespace)
    # With the bucket in the host's name, the endpoint's folder is within the bucket.
    path = _joined([folder, bucket] if path_style else [bucket, folder])
    amazon = _AMAZON.fullmatch(host)
    if amazon:
        return DestinationKey(amazon["partition"], _joined([amazon["bucket"] or "", path]))
    named = f"[{host}]" if ":" in host else host
    return DestinationKey(f"{named}:{port}" if port else named, path)


def _address(endpoint: str) -> tuple[str, int | None, str]:
    """Split host, port (None for a default one) and path. Text that is no URL becomes the host."""
    try:
        url = urlsplit(endpoint)
        host, port = url.hostname or "", url.port
    except ValueError:
        return endpoint.lower(), None, ""
    return _one_host(host.rstrip(".")), None if port in DEFAULT_PORTS else port, url.path


def _one_host(host: str) -> str:
    """Return the host in lower case; an address in its canonical form, IPv4 where possible."""
    number = _ipv4(host)
    if number is not None:
        return str(ipaddress.IPv4Address(number))
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower()
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _ipv4(host: str) -> int | None:
    """Parse as the C library does: one to four decimal, hexadecimal or octal numbers, the last of
    which fills the remaining bytes. None for anything else."""
    parts = host.split(".")
    if len(parts) > 4 or not all(re.fullmatch(r"0[xX][0-9a-fA-F]*|[0-9]+", part) for part in parts):
        return None
    try:
        *first, last = (_number(part) for part in parts)
    except ValueError:
        return None
    if any(number > 0xFF for number in first) or last >= 1 << 8 * (4 - len(first)):
        return None
    return sum(number << 8 * (3 - at) for at, number in enumerate(first)) + last


def _number(text: str) -> int:
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if text.startswith("0") else int(text)


def _is_address(server: str) -> bool:
    """Whether it is an IPv4 or IPv6 address, with or without a port."""
    return (
        ":" in server.rpartition(":")[0] or re.fullmatch(r"[0-9.]+(:[0-9]+)?", server) is not None
    )


def _one_name(host: str, namespace: str) -> str:
    """Map every name of a Service, as seen from the namespace, to `service.namespace`."""
    if _is_address(host):
        return host
    for suffix in CLUSTER_SUFFIXES:
        host = host.removesuffix(suffix)
    return host if "." in host or not host else f"{host}.{namespace}"
