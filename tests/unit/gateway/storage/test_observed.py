"""Requests to stores are counted, those without an answer, too, by who is to blame."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_gateway.config import StoreSettings
from imagejob_gateway.metrics import GIVEN_UP, NO_ANSWER, GatewayMetrics
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.storage import observed, watched_body
from imagejob_gateway.storage.bucket import Bucket
from imagejob_gateway.storage.signer import Signed
from support.gateway_services import DIAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SECONDS = 10.0
PIECE = bytes(64 * 1024)
LENGTH = 256 * len(PIECE)


def test_each_request_is_counted_with_its_end() -> None:
    counted: list[tuple[str, int]] = []
    served, closed = free_ports(2)

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=403)

    async def ask() -> None:
        application = web.Application()
        application.router.add_put("/", refuse)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, served).start()
        try:
            async with observed.session(lambda *found: counted.append(found[:2]), DIAL) as session:
                async with session.put(f"http://{LOOPBACK}:{served}/", data=b"x"):
                    pass
                with pytest.raises(aiohttp.ClientError):
                    await session.get(f"http://{LOOPBACK}:{closed}/")
        finally:
            await runner.cleanup()

    asyncio.run(ask())

    assert counted == [("PUT", 403), ("GET", NO_ANSWER)]


class Upload:
    """An upload to a store that `takes` what is sent, or nothing, and never answers."""

    def __init__(self, *, takes: bool = True) -> None:
        self.takes = takes
        self.counted: list[tuple[str, int]] = []
        self.taken = asyncio.Event()
        self.transports: list[asyncio.Transport] = []

    def count(self, method: str, code: int, _: float) -> None:
        self.counted.append((method, code))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.transports.append(writer.transport)
        while self.takes and await reader.read(1 << 20):
            self.taken.set()

    @asynccontextmanager
    async def bucket(self) -> AsyncIterator[Bucket]:
        server = await asyncio.start_server(self.serve, LOOPBACK, 0, limit=1)
        url = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/key"

        def sign(*_: Any, **__: Any) -> Signed:
            return Signed(url, {"Content-Length": str(LENGTH)})

        signer: Any = sign
        try:
            async with observed.session(self.count, DIAL) as session:
                yield Bucket(StoreSettings("uploads", ""), "", session, signer, signer)
        finally:
            server.close()
            for each in self.transports:
                each.abort()
            await asyncio.sleep(0)  # they are closed in the next round

    async def put(self, chunks: AsyncIterator[bytes]) -> None:
        async with self.bucket() as bucket:
            await bucket.put("key", "image/jpeg", LENGTH, chunks)


async def hangs_up() -> AsyncIterator[bytes]:
    yield PIECE
    raise ProblemError(ProblemReason.INCOMPLETE_BODY, "The client went away.")


async def whole() -> AsyncIterator[bytes]:
    for _ in range(LENGTH // len(PIECE)):
        yield PIECE


async def a_client_hangs_up(upload: Upload) -> None:
    with pytest.raises(ProblemError):
        await upload.put(hangs_up())


async def the_gateway_stops(upload: Upload) -> None:
    putting = asyncio.create_task(upload.put(whole()))
    await upload.taken.wait()
    putting.cancel()
    await asyncio.wait({putting})


async def the_gateway_stops_asking(upload: Upload) -> None:
    async def check() -> None:
        async with upload.bucket() as bucket:
            await bucket.check()

    checking = asyncio.create_task(check())
    await upload.taken.wait()
    checking.cancel()
    await asyncio.wait({checking})


async def the_store_takes_nothing(upload: Upload) -> None:
    upload.takes = False
    with pytest.raises(ProblemError):
        await upload.put(whole())


async def the_store_hangs_up(upload: Upload) -> None:
    putting = asyncio.create_task(upload.put(whole()))
    await upload.taken.wait()
    upload.transports[0].abort()
    with pytest.raises(ProblemError):
        await putting


BLAME = [
    (a_client_hangs_up, "PUT", GIVEN_UP),
    (the_gateway_stops, "PUT", GIVEN_UP),
    (the_gateway_stops_asking, "HEAD", GIVEN_UP),
    (the_store_takes_nothing, "PUT", NO_ANSWER),
    (the_store_hangs_up, "PUT", NO_ANSWER),
]


@pytest.mark.parametrize(("case", "method", "code"), BLAME)
def test_a_request_without_an_answer_is_the_store_s_only_if_it_failed(
    case: Callable[[Upload], Any], method: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_body, "WRITE_SECONDS", 0.2)

    async def run() -> Upload:
        upload = Upload()
        async with asyncio.timeout(SECONDS):
            await case(upload)
        return upload

    assert asyncio.run(run()).counted == [(method, code)]


def test_what_was_given_up_is_no_error_and_no_duration_of_the_store() -> None:
    metrics = GatewayMetrics()

    metrics.stored("PUT", GIVEN_UP, 9.0)
    metrics.stored("PUT", NO_ANSWER, 9.0)

    value = metrics.registry.get_sample_value
    requests, count = (f"imagejob_gateway_store_request{each}" for each in ("s_total", "_duration"))
    assert value(requests, {"method": "PUT", "code": "none"}) == 1
    assert value(requests, {"method": "PUT", "code": "<error>"}) == 1
    assert value(f"{count}_seconds_count", {"method": "PUT"}) == 1
