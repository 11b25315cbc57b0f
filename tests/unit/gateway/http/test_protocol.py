"""HTTP/1.1 on a socket: what is malformed, too large or too slow is a problem, and then over."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.http import protocol
from imagejob_gateway.http.protocol import MOST_HEAD_BYTES, MOST_QUEUED
from support.http_connections import SECONDS, Connection, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the length of the body."""
    assert scope["type"] == "http"
    length, message = 0, {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        length += len(message.get("body", b""))
    body = str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def hasty(_: Any, __: Any, send: Any) -> None:
    """Answer without a look at the body."""
    headers = [(b"content-length", b"1")]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": b"!"})


@asynccontextmanager
async def connected(app: Any = app) -> AsyncIterator[Connection]:
    async with served(app) as connect:
        yield await connect()


def said(*parts: bytes) -> bytes:
    """What the server says to these, each sent by itself, until it closes."""

    async def run() -> bytes:
        async with connected() as connection:
            for part in parts:
                await connection.say(part)
            return await connection.rest()

    return asyncio.run(run())


def problem(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    found = json.loads(body)
    assert "content-type: application/problem+json" in lines
    assert f"x-request-id: {found['requestId']}" in lines
    assert "x-content-type-options: nosniff" in lines
    assert "connection: close" in lines
    return int(lines[0].split()[1]), found["reason"]


LINE = b"GET / HTTP/1.1\r\nHost: a\r\n"
MALFORMED = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01",
    "no method": b"FETCH / HTTP/1.1\r\n\r\n",
    "a space in a name": LINE + b"a b: c\r\n\r\n",
    "a NUL in a value": LINE + b"a: b\0c\r\n\r\n",
    "a bare CR": LINE + b"a: b\rc: d\r\n\r\n",
    "two lengths": LINE + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length and chunks": LINE + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a path that is not ASCII": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_http_is_a_problem(data: bytes) -> None:
    assert problem(said(data)) == (400, "InvalidRequest")


HALF = b"a: " + b"x" * (MOST_HEAD_BYTES // 2) + b"\r\n"
TOO_LARGE = {
    "a path": [b"GET /" + b"a" * MOST_HEAD_BYTES + b" HTTP/1.1\r\n\r\n"],
    "headers in one piece": [LINE + HALF * 2 + b"\r\n"],
    "headers in pieces": [LINE, HALF, HALF, b"\r\n"],
    "a header without an end": [LINE, b"a: ", b"x" * MOST_HEAD_BYTES],
    "a path without an end": [b"GET /", b"a" * MOST_HEAD_BYTES],
}


@pytest.mark.parametrize("parts", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_head_has_its_bound(parts: list[bytes]) -> None:
    assert problem(said(*parts)) == (431, "HeadersTooLarge")


def test_a_body_is_no_part_of_a_head() -> None:
    body = b"x" * (4 * MOST_HEAD_BYTES)
    post = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n" % len(body)
    closing = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"

    answers = said(post + b"\r\n" + body + post + HALF + b"\r\n", body + closing)

    assert answers.count(b"HTTP/1.1 200") == 3
    assert answers.count(b"\r\n\r\n%d" % len(body)) == 2


def test_the_last_bytes_of_a_body_are_no_part_of_a_head() -> None:
    """`curl` sends more than 1 MiB only once it is told to continue."""
    body = b"x" * (2 * MOST_HEAD_BYTES)
    head = b"POST / HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\n"

    async def run() -> bytes:
        async with asyncio.timeout(SECONDS), connected() as connection:
            await connection.say(head + b"Content-Length: %d\r\n\r\n" % len(body))
            await connection.reader.readuntil(b"100 Continue\r\n\r\n")
            await connection.say(body)
            return await connection.rest()

    assert asyncio.run(run()).endswith(b"\r\n\r\n%d" % len(body))


def test_several_requests_at_once_are_no_large_head() -> None:
    one = b"GET / HTTP/1.1\r\na: " + b"x" * (MOST_HEAD_BYTES // 4) + b"\r\n\r\n"

    answers = said(one * 8 + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert answers.count(b"HTTP/1.1 200") == 9


def test_so_many_requests_wait_for_the_answer_to_another_one() -> None:
    """Each takes memory, and a kilobyte has fifty."""
    answers = said(b"GET / HTTP/1.1\r\n\r\n" * 10_000)

    assert answers.count(b"HTTP/1.1 200") == 1 + MOST_QUEUED
    assert answers.count(b"connection: close") == 1


def test_those_that_wait_have_the_time_that_the_first_one_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)

    async def run() -> bytes:
        is_ready = asyncio.Event()

        async def late(scope: Any, receive: Any, send: Any) -> None:
            await is_ready.wait()
            await hasty(scope, receive, send)

        async with connected(late) as connection:
            await connection.say(b"GET / HTTP/1.1\r\n\r\n" * (MOST_QUEUED + 2))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await connection.reader.read(1)
            is_ready.set()
            return await connection.rest()

    assert asyncio.run(run()).count(b"HTTP/1.1 401") == 1 + MOST_QUEUED


CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
TRAILERS = {
    "in pieces": [HALF[:-2], HALF[:-2], HALF],
    "whole ones": [HALF, HALF],
}


@pytest.mark.parametrize("trailers", TRAILERS.values(), ids=TRAILERS)
def test_trailers_have_the_same_bound(trailers: list[bytes]) -> None:
    """Also once the request is answered, as one without a token is."""

    async def run() -> bytes:
        async with connected(hasty) as connection:
            await connection.say(CHUNKED + b"\r\n0\r\n")
            await connection.reader.readuntil(b"!")
            for part in trailers:
                await connection.say(part)
            return await connection.rest()

    assert problem(asyncio.run(run())) == (431, "HeadersTooLarge")


def test_trailers_are_no_headers() -> None:
    async def shown(scope: Any, _: Any, send: Any) -> None:
        names = b",".join(name for name, _ in scope["headers"])
        headers = [(b"content-length", str(len(names)).encode()), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": names})

    async def run() -> bytes:
        async with connected(shown) as connection:
            await connection.say(CHUNKED + b"\r\n0\r\nAuthorization: Bearer x\r\n\r\n")
            return await connection.rest()

    assert asyncio.run(run()).endswith(b"\r\n\r\ntransfer-encoding")


def test_a_head_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)

    assert problem(said(LINE)) == (408, "TooSlow")


def test_a_connection_on_which_nothing_is_said_just_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)

    assert said() == b""


def test_a_second_head_has_its_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)

    answers = said(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + LINE)

    first, _, second = answers.partition(b"\r\n\r\n0")
    assert first.startswith(b"HTTP/1.1 200")
    assert problem(second) == (408, "TooSlow")


def test_a_body_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)

    async def run() -> bytes:
        async with connected() as connection:
            await connection.say(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await connection.reader.read(1)
            await connection.say(b"bGET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            return await connection.rest()

    assert asyncio.run(run()).count(b"HTTP/1.1 200") == 2


def after_an_early_answer(*parts: bytes) -> bytes:
    """What comes from an application that doesn't read, after its answer to 9 bytes to come."""

    async def run() -> bytes:
        async with connected(hasty) as connection:
            await connection.say(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
            await connection.reader.readuntil(b"!")
            for part in parts:
                await connection.say(part)
            return await connection.rest()

    return asyncio.run(run())


@pytest.mark.parametrize("rest", [b"a", b"a" * 9], ids=["a part", "all"])
def test_the_body_after_an_answer_has_its_time(
    monkeypatch: pytest.MonkeyPatch, rest: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)

    assert after_an_early_answer(rest) == b""


def test_a_connection_goes_on_after_an_early_answer() -> None:
    answers = after_an_early_answer(b"a" * 9, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert answers.startswith(b"HTTP/1.1 401")


UPGRADE = b"POST / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"


NO_BODY = UPGRADE.replace(b"POST", b"GET") + b"\r\n"
CHUNKS = UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
LENGTH = UPGRADE + b"Content-Length: 3\r\n\r\nabc"
UPGRADES = {
    "a length": ([LENGTH], b"3"),
    "a length, in pieces": ([LENGTH[:-5], LENGTH[-5:-2], LENGTH[-2:]], b"3"),
    "chunks": ([CHUNKS], b"3"),
    "no body": ([NO_BODY], b"0"),
}


@pytest.mark.parametrize(("parts", "length"), UPGRADES.values(), ids=UPGRADES)
def test_an_upgrade_that_is_not_offered_is_ignored(parts: list[bytes], length: bytes) -> None:
    """Java's client asks for one with each first request, also when it uploads."""
    *first, last = parts
    closing = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"

    answers = said(*first, last + LENGTH + closing)

    bodies = [each.partition(b"\r\n\r\n")[2] for each in answers.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [length, b"3", b"0"]
