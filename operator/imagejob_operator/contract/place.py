"""Places in object storage and on volumes, compared by what they are and not by their spelling.

Two ImageStores may lead to one place: no output may land on its own source, and no two workers may
write to one place at once, by whichever of them. What the policies of policies/stores.yaml take for
one endpoint is one here, and some more is, for here a mistake would cost a picture:

- scheme, default port, upper case, dots and slashes at the end, and the shape of an IP address
  (`[::ffff:10.1.2.3]`, `0x0a.1.515`) make no difference; http and https at their own ports neither;
- a bucket in the host's name is one in the path, whether the store says so or the endpoint has it;
- Amazon's endpoints are one in each of its partitions, as a bucket's name is;
- a Service has one name: `minio`, `minio.storage`, `minio.storage.svc.cluster.local`, seen from
  the namespace `storage`;
- a folder is a folder, whether the store's prefix or the key has it.

What nobody can tell from spellings is not told: other names in DNS for the same server, ports and
proxies that lead to it, aliases of access points, two claims of one volume, a volume that is served
as a bucket, file systems to which upper and lower case are one.
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
"""What a Service's name may have at its end within the cluster, the last first."""

DEFAULT_PORTS = (80, 443)

_AMAZON = re.compile(
    r"(?:(?P<bucket>.+)[.])?s3[a-z0-9-]*(?:[.][a-z0-9-]+)*?[.](?P<partition>amazonaws[.]com(?:[.]cn)?)"
)
"""`s3.amazonaws.com`, `s3.eu-central-1…`, `s3-fips.dualstack.us-east-1…`, with a bucket or not."""


class DestinationKey(msgspec.Struct, frozen=True):
    """An object or a folder: on a server (`host` or `host:port`) or a claim (`claim/name`), a path.

    Of a bucket in the path, or none; there is no `/` at either end of the path.
    """

    server: str
    path: str

    def readings(self) -> tuple[DestinationKey, ...]:
        """The place, and the same with its bucket in the host's name, unless that is an address."""
        first, _, rest = self.path.partition("/")
        if not rest or "/" in self.server or _is_address(self.server):
            return (self,)
        return self, DestinationKey(f"{first.lower()}.{self.server}", rest)

    def may_be(self, other: DestinationKey) -> bool:
        """Whether the two are one, by any reading."""
        return not frozenset(self.readings()).isdisjoint(other.readings())


def destination_key(store: ImageStore, key: str) -> DestinationKey:
    """Where a key of the store is. ValueError for a store that is neither of S3 nor a volume."""
    s3, volume, namespace = store.spec.s3, store.spec.volume, store.metadata.namespace
    if s3:
        root = _root(s3.endpoint, s3.bucket, namespace, path_style=s3.path_style)
        return _below(root, s3.prefix, key)
    if volume:
        return _on_claim(volume.claim_name, volume.sub_path, key)
    raise ValueError(f"ImageStore {store.metadata.name} is neither of S3 nor a volume")


def destination_key_in_order(store: OrderStore, key: str, namespace: str) -> DestinationKey | None:
    """The same of a store as a work order has it; None if that doesn't say."""
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
    """Without what is nothing in a path, and without the ways back that only an endpoint has."""
    steps: list[str] = []
    for step in (each for part in parts for each in part.split("/")):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


@lru_cache(maxsize=4096)  # a store is asked for with every ImageJob that names it
def _root(endpoint: str, bucket: str, namespace: str, *, path_style: bool) -> DestinationKey:
    """The bucket's own place: its server, and its path there."""
    host, port, folder = _address(endpoint)
    host = _one_name(host, namespace)
    # Where the bucket is in the name, the endpoint's folder is within it.
    path = _joined([folder, bucket] if path_style else [bucket, folder])
    amazon = _AMAZON.fullmatch(host)
    if amazon:
        return DestinationKey(amazon["partition"], _joined([amazon["bucket"] or "", path]))
    named = f"[{host}]" if ":" in host else host
    return DestinationKey(f"{named}:{port}" if port else named, path)


def _address(endpoint: str) -> tuple[str, int | None, str]:
    """Host, port if it isn't a default one, and path; as good as it can be of what is no URL."""
    try:
        url = urlsplit(endpoint)
        host, port = url.hostname or "", url.port
    except ValueError:
        return endpoint.lower(), None, ""
    return _one_host(host.rstrip(".")), None if port in DEFAULT_PORTS else port, url.path


def _one_host(host: str) -> str:
    """In lower case; of an address, its one usual form, which is IPv4's if it can be."""
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
    """As the C library reads it: one to four numbers, decimal, hexadecimal or octal; the last one
    fills what is left."""
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
    """Of IPv4 or IPv6, with a port or without."""
    return (
        ":" in server.rpartition(":")[0] or re.fullmatch(r"[0-9.]+(:[0-9]+)?", server) is not None
    )


def _one_name(host: str, namespace: str) -> str:
    """Of a Service by any of its names, as seen from the namespace, the one with its own."""
    if _is_address(host):
        return host
    for suffix in CLUSTER_SUFFIXES:
        host = host.removesuffix(suffix)
    return host if "." in host or not host else f"{host}.{namespace}"
