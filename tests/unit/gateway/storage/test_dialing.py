"""A store's name that leads to a cloud's metadata service is not connected to."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiohttp
import pytest
from imagejob_gateway.storage import dialing, observed
from imagejob_worker.storage import addresses

REFUSED = [
    *("169.254.169.254", "169.254.1.1", "100.100.100.200", "168.63.129.16"),
    *("fe80::1", "fe80::1%1", "fd00:ec2::254"),
    *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254"),
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_serves_credentials_is_refused(address: str) -> None:
    assert dialing.is_refused(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "52.1.2.3", "::1", "2600::1"])
def test_another_address_is_not(address: str) -> None:
    assert not dialing.is_refused(address)


def test_workers_refuse_the_same() -> None:
    assert {each for networks in addresses.NEVER.values() for each in networks} == {*dialing.NEVER}


def test_a_name_is_judged_by_what_it_resolves_to(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    async def resolved(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    async def ask() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
        monkeypatch.setattr(socket, "socket", lambda *given: made.append(given))
        async with observed.session(lambda *_: None) as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get("http://store.example/")

    asyncio.run(ask())

    assert made == []
