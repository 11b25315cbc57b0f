"""kopf runs the process and asks the API server for nothing: its errors would end the process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import aiohttp
import kopf
import pytest
from imagejob_operator import handlers

if TYPE_CHECKING:
    from typing import NoReturn

SECONDS = 30.0


def test_kopf_starts_our_work_and_sends_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []

    async def send(*request: object, **_: object) -> NoReturn:
        sent.append(request)
        raise aiohttp.ClientConnectionError

    monkeypatch.setattr(aiohttp.ClientSession, "_request", send)

    async def run() -> None:
        known, working = handlers.insights(), asyncio.Event()

        async def work() -> None:
            working.set()
            await asyncio.Event().wait()

        async with asyncio.TaskGroup() as tasks:
            operator = tasks.create_task(
                kopf.operator(
                    registry=handlers.registry(tasks, work),
                    settings=handlers.settings(),
                    insights=known,
                    clusterwide=True,
                    standalone=True,
                    identity="it",  # type: ignore[arg-type]
                )
            )
            async with asyncio.timeout(SECONDS):
                await working.wait()
                await known.ready_resources.wait()  # it has looked for what it needs
            assert not operator.done()
            operator.cancel()
            with suppress(asyncio.CancelledError):
                await operator

    asyncio.run(run())

    assert sent == []
