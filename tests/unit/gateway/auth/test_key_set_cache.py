"""When an issuer is asked for its keys, and what it may answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from imagejob_gateway.auth import key_set_cache
from imagejob_gateway.auth.key_set_cache import (
    FRESH_SECONDS,
    LARGEST_SET,
    PAUSE_SECONDS,
    STALE_SECONDS,
    FetchError,
    KeySetCache,
    KeysUnavailableError,
    fetch,
)
from support.gateway_services import DIAL
from support.signed import jwk, key_set, private_key
from support.web_server import Answer, serving

ONE, TWO = (private_key("ES256", name).public_key() for name in ("one", "two"))


class Issuer:
    """What is asked of it, and when. It answers once it is `open`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.document: bytes | None = key_set(jwk("ES256"))
        self.asked: list[float] = []
        self.called = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.cache = KeySetCache(self._answer, "ES256", lambda: self.now)

    async def _answer(self) -> bytes:
        self.asked.append(self.now)
        self.called.set()
        await self.open.wait()
        if self.document is None:
            raise FetchError("down")
        return self.document

    def rotate(self) -> None:
        self.document = key_set(jwk("ES256"), jwk("ES256", "two"))

    async def settled(self) -> None:
        """Let a fetch in the background end."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)


def run(case: Callable[[Issuer], Awaitable[None]]) -> None:
    async def with_issuer() -> None:
        await case(Issuer())

    asyncio.run(with_issuer())


def test_many_tokens_wait_for_one_fetch() -> None:
    async def case(issuer: Issuer) -> None:
        issuer.open.clear()
        waiting = [asyncio.create_task(issuer.cache.key("one")) for _ in range(100)]
        await issuer.called.wait()
        waiting[0].cancel()  # a client that goes away
        issuer.open.set()

        found = await asyncio.gather(*waiting, return_exceptions=True)

        assert isinstance(found[0], asyncio.CancelledError)
        assert found[1:] == [ONE] * 99
        assert issuer.asked == [1000.0]

    run(case)


def test_an_unknown_key_is_asked_for_at_most_every_half_minute() -> None:
    async def case(issuer: Issuer) -> None:
        assert await issuer.cache.key("one") == ONE
        for second in range(100):
            issuer.now = 1000.0 + second
            assert await issuer.cache.key(f"unknown {second}") is None

        assert issuer.asked == [1000.0 + PAUSE_SECONDS * times for times in range(4)]

    run(case)


def test_a_key_that_is_new_is_found() -> None:
    async def case(issuer: Issuer) -> None:
        await issuer.cache.key("one")
        issuer.rotate()
        issuer.now += PAUSE_SECONDS

        assert await issuer.cache.key("two") == TWO

    run(case)


def test_while_keys_are_fetched_again_those_that_are_known_serve() -> None:
    async def case(issuer: Issuer) -> None:
        await issuer.cache.key("one")
        issuer.open.clear()
        issuer.now += FRESH_SECONDS

        assert await issuer.cache.key("one") == ONE

        issuer.rotate()
        issuer.open.set()
        await issuer.settled()
        assert len(issuer.asked) == 2
        assert await issuer.cache.key("two") == TWO

    run(case)


def test_a_key_that_is_withdrawn_is_forgotten() -> None:
    async def case(issuer: Issuer) -> None:
        await issuer.cache.key("one")
        issuer.document = key_set(jwk("ES256", "two"))
        issuer.now += FRESH_SECONDS
        await issuer.cache.key("one")
        await issuer.settled()

        assert await issuer.cache.key("one") is None

    run(case)


@pytest.mark.parametrize("document", [None, b"<html>", key_set(), key_set(jwk("RS256"))])
def test_while_the_issuer_is_down_keys_serve_for_an_hour(document: bytes | None) -> None:
    async def case(issuer: Issuer) -> None:
        await issuer.cache.key("one")
        issuer.document = document
        while issuer.now < 1000.0 + STALE_SECONDS - 10:
            assert await issuer.cache.key("one") == ONE
            issuer.now += 10
            await issuer.settled()
        assert len(issuer.asked) <= STALE_SECONDS / PAUSE_SECONDS

        issuer.now = 1000.0 + STALE_SECONDS
        with pytest.raises(KeysUnavailableError):
            await issuer.cache.key("one")

    run(case)


def test_an_issuer_that_was_never_reached_is_asked_again_after_a_pause() -> None:
    async def case(issuer: Issuer) -> None:
        document, issuer.document = issuer.document, None
        for _ in range(3):
            with pytest.raises(KeysUnavailableError):
                await issuer.cache.key("one")
        issuer.document = document
        issuer.now += PAUSE_SECONDS

        assert await issuer.cache.key("one") == ONE
        assert len(issuer.asked) == 2

    run(case)


async def keys(_: web.Request) -> web.StreamResponse:
    return web.Response(body=key_set(jwk("ES256")))


def fetched(answer: Answer) -> bytes:
    async def of_server() -> bytes:
        async with serving(answer) as url:
            return await fetch(url, DIAL)

    return asyncio.run(of_server())


def test_a_document_is_fetched() -> None:
    assert fetched(keys) == key_set(jwk("ES256"))


async def redirect(request: web.Request) -> web.StreamResponse:
    if request.path == "/elsewhere":
        return await keys(request)
    raise web.HTTPFound("/elsewhere")


async def refuse(_: web.Request) -> web.StreamResponse:
    return web.Response(status=500, body=key_set(jwk("ES256")))


async def flood(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.01)


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport
    request.transport.close()
    return web.Response()


HOSTILE = {
    "redirects": (redirect, "302"),
    "refuses": (refuse, "500"),
    "has no end": (flood, f"more than {LARGEST_SET} bytes"),
    "is slow": (drip, "Timeout"),
    "hangs up": (hang_up, "disconnected"),
}


@pytest.mark.parametrize(("answer", "why"), HOSTILE.values(), ids=HOSTILE)
def test_what_an_issuer_answers_is_bounded(
    answer: Answer, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_set_cache, "FETCH_SECONDS", 0.5)

    with pytest.raises(FetchError, match=why):
        fetched(answer)


def test_nobody_there_is_an_error() -> None:
    async def of_nobody() -> None:
        async with serving(keys) as url:
            gone = url
        await fetch(gone, DIAL)

    with pytest.raises(FetchError):
        asyncio.run(of_nobody())
