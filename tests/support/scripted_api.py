"""A scripted API server in this process: it has one kind of objects, and a list of responses."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from imagejob_dev.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

Object = dict[str, Any]


@dataclass
class Answer:
    """A status other than 200, or else the lines of a watch or the pages of a list.

    A watch ends after its lines, unless it `stays`; `cut` breaks the connection there.
    """

    status: int = 200
    lines: list[Object] = field(default_factory=list)
    stays: bool = False
    cut: bool = False


@dataclass
class ScriptedApi:
    """`lists` and `watches` are the responses, in turn; the last one is repeated.

    A list is a whole collection: (version, objects), or the status of a rejection. Kinds that are
    `missing` are unknown.
    """

    lists: list[tuple[int, list[Object]] | int]
    watches: list[Answer]
    asked: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.rpartition("/")[2] in self.missing:
            return web.json_response({"message": "no such kind"}, status=404)
        if request.query.get("watch"):
            self.asked.append(f"watch {request.query['resourceVersion']}")
            return await self._watch(request, self._next(self.watches))
        if "continue" not in request.query:
            self.asked.append("list")
            self._listed = self._next(self.lists)
        if isinstance(self._listed, int):
            return web.json_response({"message": "no"}, status=self._listed)
        version, objects = self._listed
        begin = int(request.query.get("continue", "0"))
        end = begin + int(request.query["limit"])
        meta = {"resourceVersion": str(version)}
        if end < len(objects):
            meta["continue"] = str(end)
        return web.json_response({"metadata": meta, "items": objects[begin:end]})

    async def _watch(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        if answer.status != 200:
            return web.json_response({"message": "no"}, status=answer.status)
        response = web.StreamResponse()
        await response.prepare(request)
        for line in answer.lines:
            await response.write(json.dumps(line).encode() + b"\n")
        if answer.stays:
            await asyncio.Event().wait()
        if answer.cut and request.transport:
            request.transport.abort()
        return response

    @staticmethod
    def _next(left: list[Any]) -> Any:
        return left.pop(0) if len(left) > 1 else left[0]


@asynccontextmanager
async def serving(api: ScriptedApi, kubeconfig: Path) -> AsyncIterator[None]:
    """Serve at an address that is written to `kubeconfig`."""
    application = web.Application()
    application.router.add_get("/{path:.*}", api.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        point(kubeconfig, f"http://{host}:{port}")
        yield
    finally:
        await runner.cleanup()


def point(kubeconfig: Path, server: str) -> None:
    """Write the kubeconfig."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "it", "user": {"token": "any"}}],
    }
    kubeconfig.write_text(json.dumps(config))
