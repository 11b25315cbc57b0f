"""A body that comes too slowly ends: each holds a connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from imagejob_gateway.http import chunks
from imagejob_gateway.http.chunks import Patience, received
from imagejob_gateway.problem import ProblemError, ProblemReason
from starlette.requests import Request

SECONDS = 10.0
RATE = 1024


def read(*messages: dict[str, Any]) -> list[bytes]:
    """The chunks of a body whose messages are these, and after which none comes."""
    left = list(messages)

    async def receive() -> dict[str, Any]:
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def run() -> list[bytes]:
        async with asyncio.timeout(SECONDS):
            request = Request({"type": "http", "headers": []}, receive)
            return [chunk async for chunk in received(request, RATE) if chunk]

    return asyncio.run(run())


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_read_to_its_end() -> None:
    assert read(part(b"a", more=True), part(b"b", more=False)) == [b"a", b"b"]


def test_a_client_that_sends_nothing_more_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "IDLE_SECONDS", 0.05)

    with pytest.raises(ProblemError) as raised:
        read(part(b"a", more=True))

    assert raised.value.problem.reason == ProblemReason.TOO_SLOW


def test_a_client_that_sends_a_byte_now_and_then_is_too_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each comes long before there was nothing for so long."""
    monkeypatch.setattr(chunks, "IDLE_SECONDS", 0.2)
    sent = 0

    async def receive() -> dict[str, Any]:
        nonlocal sent
        await asyncio.sleep(0.02)
        sent += 1
        return part(b"a", more=True)

    async def run() -> None:
        async with asyncio.timeout(SECONDS):
            request = Request({"type": "http", "headers": []}, receive)
            async for _ in received(request, RATE):
                pass

    with pytest.raises(ProblemError) as raised:
        asyncio.run(run())

    assert raised.value.problem.reason == ProblemReason.TOO_SLOW
    assert sent > 1


def test_a_client_that_goes_leaves_an_incomplete_body() -> None:
    with pytest.raises(ProblemError) as raised:
        read(part(b"a", more=True), {"type": "http.disconnect"})

    assert raised.value.problem.reason == ProblemReason.INCOMPLETE_BODY


def test_what_comes_at_the_rate_may_go_on() -> None:
    patience = Patience(RATE, 30.0)

    for _ in range(10_000):
        patience.came(20 * RATE, 20.0)

    assert patience.seconds == 30.0


def test_time_runs_out_below_the_rate() -> None:
    patience = Patience(RATE, 30.0)

    patience.came(1, 29.0)
    assert 1.0 < patience.seconds < 1.1
    patience.came(RATE // 2, 1.0)
    assert 0.5 < patience.seconds < 0.6


def test_no_time_is_saved_up_by_what_came_fast() -> None:
    patience = Patience(RATE, 30.0)

    patience.came(50 * 1024**2, 1.0)

    assert patience.seconds == 30.0
