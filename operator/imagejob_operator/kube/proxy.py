"""Which proxy leads to a server: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, as kubectl reads them.

The rules are those of golang.org/x/net/http/httpproxy. aiohttp's and the standard library's know no
network (10.96.0.0/12) in NO_PROXY, which is how most clusters exclude their own addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443}
SCHEMES = ("http", "https")
"""Of a proxy, as far as aiohttp supports them."""

Address = IPv4Address | IPv6Address


class _Server(NamedTuple):
    """Who is asked; `address` is None for a name."""

    host: str
    port: int
    address: Address | None


def proxy_for(url: str, environment: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy for requests to `url`, or None for a direct connection.

    Servers of this machine have none. Raises ValueError for a proxy of an unsupported kind.
    """
    asked = urlsplit(url)
    proxy = _variable(environment, f"{asked.scheme}_proxy")
    if not proxy or _is_excluded(_server(asked), _variable(environment, "no_proxy")):
        return None
    full = proxy if "://" in proxy else f"http://{proxy}"
    if (scheme := urlsplit(full).scheme) not in SCHEMES:
        raise ValueError(f"{asked.scheme.upper()}_PROXY: {scheme} proxies are not supported")
    return full


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.upper()) or environment.get(name) or ""


def _server(url: SplitResult) -> _Server:
    host = (url.hostname or "").rstrip(".")
    return _Server(host, url.port or PORTS.get(url.scheme, 0), _address(host))


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_excluded(server: _Server, no_proxy: str) -> bool:
    if server.host == "localhost" or (server.address and server.address.is_loopback):
        return True
    entries = (entry.strip().lower() for entry in no_proxy.split(","))
    return any(_matches(entry, server) for entry in entries if entry)


def _matches(entry: str, server: _Server) -> bool:
    """Whether an entry of NO_PROXY names the server.

    It is `*`, a network, an address, a name with its subdomains, or `.name` or `*.name` for the
    subdomains alone; each but the first two may have a port.
    """
    if entry == "*":
        return True
    if "/" in entry:
        return server.address is not None and _contains(entry, server.address)
    host, port = _host_and_port(entry)
    if port and port != str(server.port):
        return False
    if address := _address(host):
        return address == server.address
    name = host.removeprefix("*")
    return server.host == name or server.host.endswith(name if name[:1] == "." else f".{name}")


def _contains(network: str, address: Address) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return False


def _host_and_port(entry: str) -> tuple[str, str]:
    """Split `host:port`; an IPv6 address without a port may have brackets, or none."""
    if _address(entry):
        return entry, ""
    host, _, port = entry.rpartition(":") if entry[-1:] != "]" else (entry, "", "")
    return (host.strip("[]"), port) if host else (entry, "")
