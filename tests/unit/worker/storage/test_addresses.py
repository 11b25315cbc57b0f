"""Which addresses a worker connects to."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagejob_operator.config.platform import PRIVATE_NETWORKS
from imagejob_worker.storage.addresses import NEVER, Addresses
from support.paths import ROOT

EVERYTHING = Addresses(["0.0.0.0/0", "::/0"])
"""No list allows more."""

PUBLIC = (
    *("1.1.1.1", "52.219.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"),
    *("169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "198.20.0.0"),
    *("223.255.255.255", "2600:1fa0::1", "2a05:d014::1", "2001:4860:4860::8888"),
    # IPv4 that is public, as IPv6.
    *("64:ff9b::101:101", "::ffff:1.1.1.1", "2002:101:101::1"),
)

METADATA, LINK_LOCAL = "a cloud's metadata service", "link-local"
ALWAYS_REFUSED = {
    "169.254.169.254": METADATA,
    "100.100.100.200": METADATA,
    "168.63.129.16": METADATA,
    "192.0.0.192": METADATA,
    "fd00:ec2::254": METADATA,
    "fd00:ec2::23": METADATA,
    "fd20:ce::254": METADATA,
    "fd00:42::42": METADATA,
    "169.254.0.0": LINK_LOCAL,
    "169.254.170.2": LINK_LOCAL,
    "169.254.255.255": LINK_LOCAL,
    "fe80::1": LINK_LOCAL,
    "fe80::1%eth0": LINK_LOCAL,
    "febf:ffff::1": LINK_LOCAL,
    "fec0::1": LINK_LOCAL,
    # Within IPv6: mapped, compatible, translated, both kinds of NAT64, 6to4, Teredo.
    "::ffff:169.254.169.254": METADATA,
    "::169.254.169.254": METADATA,
    "::ffff:0:169.254.169.254": METADATA,
    "64:ff9b::169.254.169.254": METADATA,
    "64:ff9b:1::169.254.169.254": METADATA,
    "2002:a9fe:a9fe::1": METADATA,
    "2001:0:a9fe:a9fe::1": METADATA,
    "64:ff9b::6464:64c8": METADATA,
    "::ffff:169.254.1.1": LINK_LOCAL,
}

UNLESS_LISTED = {
    "127.0.0.1": "loopback",
    "127.255.255.255": "loopback",
    "::1": "loopback",
    "::ffff:127.0.0.1": "loopback",
    "64:ff9b::7f00:1": "loopback",
    "0.0.0.0": "unspecified",  # noqa: S104 (nothing listens there)
    "0.1.2.3": "unspecified",
    "::": "unspecified",
    "10.0.0.0": "private",
    "10.255.255.255": "private",
    "172.16.0.0": "private",
    "172.31.255.255": "private",
    "192.168.255.255": "private",
    "100.64.0.0": "private",
    "100.127.255.255": "private",
    "fc00::1": "private",
    "fdff:ffff::1": "private",
    "2002:a00:1::1": "private",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "ff02::1": "multicast",
    "192.0.0.1": "reserved",
    "192.0.2.1": "reserved",
    "198.18.0.1": "reserved",
    "198.51.100.1": "reserved",
    "203.0.113.1": "reserved",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "2001:db8::1": "reserved",
    "2001:0:101:101::1": "reserved",
    "64:ff9b:1::101:101": "reserved",
    "100::1": "reserved",
    "4000::1": "reserved",
    "::ffff:0:1.1.1.1": "reserved",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_need_no_list(address: str) -> None:
    assert Addresses([]).fault(address) is None


@pytest.mark.parametrize(("address", "what"), ALWAYS_REFUSED.items())
def test_no_list_allows_metadata_and_link_local_addresses(address: str, what: str) -> None:
    words = f"its address {address} is {what}, which is never connected to"

    assert EVERYTHING.fault(address) == words


@pytest.mark.parametrize(("address", "what"), UNLESS_LISTED.items())
def test_what_isn_t_public_has_to_be_listed(address: str, what: str) -> None:
    unlisted = "the platform doesn't list it in stores.internalCidrs"

    assert Addresses([]).fault(address) == f"its address {address} is {what}, and {unlisted}"
    assert EVERYTHING.fault(address) is None


@pytest.mark.parametrize(
    ("listed", "address", "allowed"),
    [
        ("127.0.0.1/32", "127.0.0.1", True),
        ("127.0.0.1/32", "127.0.0.2", False),
        ("127.0.0.1/32", "::1", False),
        ("127.0.0.0/8", "0.0.0.0", False),  # noqa: S104
        ("10.96.0.0/12", "10.100.1.2", True),
        ("10.96.0.0/12", "10.112.0.0", False),
        ("10.96.0.0/12", "::ffff:10.100.1.2", True),
        ("10.96.0.0/12", "64:ff9b::10.100.1.2", True),
        ("fd00:10:96::/112", "fd00:10:96::7", True),
        ("fd00:10:96::/112", "fd00:10:97::7", False),
    ],
)
def test_a_list_allows_what_it_names(listed: str, address: str, *, allowed: bool) -> None:
    assert (Addresses([listed]).fault(address) is None) == allowed


@pytest.mark.parametrize(("address", "what"), UNLESS_LISTED.items())
def test_by_default_private_networks_are_listed_and_nothing_else(address: str, what: str) -> None:
    assert (Addresses(PRIVATE_NETWORKS).fault(address) is None) == (what == "private")


@given(st.ip_addresses())
def test_any_address_is_judged(address: object) -> None:
    """A list only ever allows more, and the interpreter's own idea of public is no narrower."""
    judged = Addresses([]).fault(str(address))
    read = ip_address(str(address))

    assert judged is not None or EVERYTHING.fault(str(address)) is None
    if read.version == 4 and not (read.is_global and not read.is_multicast):
        assert judged is not None


def test_the_admission_policy_refuses_the_same_endpoints() -> None:
    """Endpoints that are addresses: the policy may refuse more, and not less."""
    policy = (ROOT / "charts/imagejob-operator/policies/stores.yaml").read_text()
    text = policy.split("variables.address.all(", 1)[1].split("].exists(", 1)[0]
    refused = [ip_network(each) for each in re.findall(r"'([0-9a-f:./]+)'", text)]

    for each in (each for networks in NEVER.values() for each in networks):
        network = ip_network(each)
        covers = [
            one for one in refused if one.version == network.version
            and one.network_address <= network.network_address
            and network.broadcast_address <= one.broadcast_address
        ]  # fmt: skip
        assert covers, each
