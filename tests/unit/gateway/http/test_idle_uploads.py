"""An upload whose client sends nothing more ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from imagejob_gateway.http.routes import uploads
from imagejob_gateway.problem import ProblemError, ProblemReason
from starlette.requests import Request

SECONDS = 10.0


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
            return [chunk async for chunk in uploads._chunks(request) if chunk]

    return asyncio.run(run())


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_read_to_its_end() -> None:
    assert read(part(b"a", more=True), part(b"b", more=False)) == [b"a", b"b"]


def test_a_client_that_sends_nothing_more_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "IDLE_SECONDS", 0.05)

    with pytest.raises(ProblemError) as raised:
        read(part(b"a", more=True))

    assert raised.value.problem.reason == ProblemReason.TOO_SLOW


def test_a_client_that_goes_leaves_an_incomplete_body() -> None:
    with pytest.raises(ProblemError) as raised:
        read(part(b"a", more=True), {"type": "http.disconnect"})

    assert raised.value.problem.reason == ProblemReason.INCOMPLETE_BODY
