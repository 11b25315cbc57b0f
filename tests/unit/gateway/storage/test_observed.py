"""Requests to stores are counted, those without an answer, too."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_gateway.storage import observed
from support.gateway_services import DIAL


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

    assert counted == [("PUT", 403), ("GET", 0)]
