"""What is counted of a request, whatever becomes of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request
from imagejob_gateway.http import problems
from imagejob_gateway.http.event_stream import EventStream, Streams
from imagejob_gateway.http.measuring import Measuring
from imagejob_gateway.http.middleware import RequestContext
from imagejob_gateway.http.paths import Paths
from imagejob_gateway.metrics import GatewayMetrics
from imagejob_gateway.problem import ProblemError, ProblemReason
from support.asgi import request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Message

UPLOAD = "/api/v1/images/upload"
IN_PROGRESS = "imagejob_gateway_uploads_in_progress"


@pytest.fixture
def metrics() -> GatewayMetrics:
    return GatewayMetrics()


@pytest.fixture
def app(metrics: GatewayMetrics) -> Measuring:
    """An application with a good route, one that refuses, and an upload."""
    app = FastAPI()
    problems.install(app)
    app.state.paths = Paths({"paths": {}})
    app.add_middleware(RequestContext, paths=app.state.paths)

    @app.get("/images/{name}")
    async def good(name: str) -> str:
        return name

    @app.get("/bad")
    async def bad() -> None:
        raise ProblemError(ProblemReason.STORAGE_UNAVAILABLE, "")

    @app.post(UPLOAD)
    async def upload(request: Request) -> float | None:
        await request.body()
        return metrics.registry.get_sample_value(IN_PROGRESS)

    return Measuring(app, metrics)


def requests(metrics: GatewayMetrics) -> dict[tuple[str, str, str], float]:
    """Method, route and status → number."""
    return {
        (each.labels["method"], each.labels["route"], each.labels["status"]): each.value
        for family in metrics.registry.collect()
        for each in family.samples
        if each.name == "imagejob_gateway_requests_total"
    }


def test_routes_are_templates(app: Measuring, metrics: GatewayMetrics) -> None:
    for path in ("/images/a", "/images/b", "/nowhere/1", "/nowhere/2"):
        request(app, "GET", path)

    assert requests(metrics) == {
        ("GET", "/images/{name}", "200"): 2,
        ("GET", "other", "404"): 2,
    }


def test_a_problem_is_counted_by_its_reason(app: Measuring, metrics: GatewayMetrics) -> None:
    request(app, "GET", "/bad")

    value = metrics.registry.get_sample_value
    found = value("imagejob_gateway_problems_total", {"reason": "StorageUnavailable"})
    assert found == 1
    assert requests(metrics) == {("GET", "/bad", "503"): 1}


def test_an_upload_is_in_progress_until_it_is_answered(
    app: Measuring, metrics: GatewayMetrics
) -> None:
    during = request(app, "POST", UPLOAD).json()

    assert during == 1
    assert metrics.registry.get_sample_value(IN_PROGRESS) == 0


def test_a_request_without_an_answer_is_counted_too(metrics: GatewayMetrics) -> None:
    async def cancelled(*_: Any) -> None:
        raise asyncio.CancelledError

    async def ask() -> None:
        scope = {"type": "http", "method": "POST", "path": UPLOAD}
        await Measuring(cancelled, metrics)(scope, received, sent)

    async def received() -> Message:
        return {"type": "http.request", "body": b""}

    async def sent(message: Message) -> None:
        raise AssertionError(message)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ask())

    assert requests(metrics) == {("POST", "other", "none"): 1}
    assert metrics.registry.get_sample_value(IN_PROGRESS) == 0


def test_a_stream_is_counted_and_has_no_duration(metrics: GatewayMetrics) -> None:
    async def nothing() -> AsyncGenerator[bytes]:
        for each in ():
            yield each

    async def received() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def sent(message: Message) -> None:
        pass

    async def ask() -> None:
        scope = {"type": "http", "method": "GET", "path": "/events", "state": {}}
        stream = EventStream(nothing(), Streams(), "owner")
        await Measuring(stream, metrics)(scope, received, sent)

    asyncio.run(ask())

    assert requests(metrics) == {("GET", "other", "200"): 1}
    count = "imagejob_gateway_request_duration_seconds_count"
    assert metrics.registry.get_sample_value(count, {"route": "other"}) is None


def test_the_bytes_of_bodies_are_counted(metrics: GatewayMetrics) -> None:
    parts = [b"abc", b"de"]

    async def reads(_: Any, receive: Any, __: Any) -> None:
        for _ in range(2):
            await receive()

    async def received() -> Message:
        return {"type": "http.request", "body": parts.pop(0)}

    asyncio.run(
        Measuring(reads, metrics)({"type": "http", "method": "POST", "path": "/"}, received, reads)
    )

    assert metrics.registry.get_sample_value("imagejob_gateway_received_bytes_total") == 5
