"""What serves credentials to whoever connects to it, as the worker lists it."""

from __future__ import annotations

from ipaddress import ip_network

from imagejob_worker.storage.addresses import NEVER

LINK_LOCAL = ip_network("169.254.0.0/16")


def metadata_services() -> set[str]:
    """The networks of clouds' metadata services that aren't link-local."""
    found = NEVER["a cloud's metadata service"]
    return {each for each in found if not _is_link_local(each)}


def _is_link_local(text: str) -> bool:
    network = ip_network(text)
    return network.version == 4 and network.subnet_of(LINK_LOCAL)
