"""Which addresses the gateway connects to, whatever name leads there."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_gateway.auth.key_set_cache import FetchError, fetch
from imagejob_gateway.config import ProfileSettings, Settings, StoreSettings
from imagejob_gateway.dialing import SETTING, AddressRefusedError, dial
from imagejob_gateway.storage import observed
from imagejob_gateway.storage.failures import in_words
from imagejob_operator.config.platform import PRIVATE_NETWORKS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

EVERYTHING = ("0.0.0.0/0", "::/0")
DEFAULT = Settings("team-a", (StoreSettings("uploads", "/s"),), (ProfileSettings("web"),), ())

# (address, networks that are listed, words of the log; "": it is connected to)
CASES = {
    "public": ("52.1.2.3", (), ""),
    "private": ("10.0.0.1", (), f"private, and the platform doesn't list it in {SETTING}"),
    "private by default": ("10.0.0.1", DEFAULT.internal_cidrs, ""),
    "private within a larger network": ("10.0.0.1", ("10.9.8.7/8",), ""),
    "loopback": (LOOPBACK, DEFAULT.internal_cidrs, "loopback, and the platform"),
    "loopback that is listed": (LOOPBACK, (f"{LOOPBACK}/32",), ""),
    "metadata": ("169.254.169.254", EVERYTHING, "metadata service, which is never connected to"),
    "metadata in IPv6": ("::ffff:169.254.169.254", EVERYTHING, "never connected to"),
    "link-local": ("fe80::1%1", EVERYTHING, "link-local, which is never connected to"),
}


async def of_a_store(name: str, networks: tuple[str, ...]) -> None:
    async with observed.session(lambda *_: None, dial(networks)) as session:
        await session.get(f"http://{name}/")


async def of_an_issuer(name: str, networks: tuple[str, ...]) -> None:
    await fetch(f"http://{name}/keys", dial(networks))


@pytest.mark.parametrize("connect", [of_a_store, of_an_issuer])
@pytest.mark.parametrize(("address", "networks", "words"), CASES.values(), ids=CASES)
def test_a_name_is_judged_by_what_it_resolves_to(
    connect: Callable[[str, tuple[str, ...]], Awaitable[None]],
    address: str,
    networks: tuple[str, ...],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made: list[Any] = []

    async def resolved(*_: Any, **__: Any) -> list[Any]:
        if ":" in address:
            return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 80, 0, 0))]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]

    def no_socket(*given: Any) -> None:
        made.append(given)
        raise OSError("no sockets here")

    async def ask() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
        monkeypatch.setattr(socket, "socket", no_socket)
        with pytest.raises((OSError, FetchError)):
            await connect("store.example", networks)

    asyncio.run(ask())

    assert bool(made) == (not words)
    assert words in caplog.text
    assert bool(words) == bool(caplog.text)


def test_a_client_is_not_told_the_address() -> None:
    async def ask() -> Exception:
        (port,) = free_ports(1)
        async with observed.session(lambda *_: None, dial(())) as session:
            with pytest.raises(OSError) as refused:  # noqa: PT011 (in_words tells them apart)
                await session.get(f"http://{LOOPBACK}:{port}/")
        return refused.value

    assert in_words(asyncio.run(ask())) == AddressRefusedError.words


def test_what_is_listed_by_default_is_what_the_operator_lists() -> None:
    assert DEFAULT.internal_cidrs == PRIVATE_NETWORKS
