"""A proxy before the API server that fails as it is told: errors, cuts, freezes, delays."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from imagejob_dev import kubeconfig
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_dev.running import Running

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from imagejob_dev.client import Client

STATUSES = (401, 403, 410, 429, 500, 504)
FAULTS = (*map(str, STATUSES), "cut", "freeze", "delay")
MAY_HAVE_DONE_IT = {"500", "504", "cut", "freeze"}
"""Faults that a client may meet after its request took effect."""

KEPT = ("Content-Type", "Retry-After")
PAUSE_SECONDS = "1"
HEADERS = ("Authorization", "Content-Type", "Accept", "User-Agent")


@dataclass(frozen=True)
class Fault:
    """One of FAULTS, for that share of the requests; `seconds` are the bounds of a delay."""

    name: str
    share: float = 1.0
    seconds: tuple[float, float] = (2.0, 5.0)


class BadApi(Running):
    """Speaks HTTP at a port of this machine, which refuses connections until it is started.

    `fault` is None while all is well. `met` counts the faults that requests met, and `asked` the
    requests by user agent. With `tokens`, the requests with other tokens get a 401.
    """

    def __init__(self, cluster: Client, seed: int = 1) -> None:
        (self.port,) = free_ports(1)
        self.met: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.tokens: set[str] | None = None
        self._cluster = cluster
        self._dice = Random(seed)
        self._fault: Fault | None = None
        self._streams: set[asyncio.Future[Fault]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bad API")

    @property
    def server(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def fault(self) -> Fault | None:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        """Open watches meet it, too."""
        self._fault = fault
        if fault and fault.name != "delay":
            self._loop.call_soon_threadsafe(self._strike, fault)

    def kubeconfig_of(self, namespace: str, account: str, **user: Any) -> Path:
        """Of an account that comes by this proxy; `user` has its credentials, if not its token."""
        file = self._cluster.kubeconfig_for(namespace, account)
        config = json.loads(file.read_text())
        config["clusters"][0]["cluster"] = {"server": self.server}
        config["users"][0]["user"] = user or config["users"][0]["user"]
        return kubeconfig.save(file.with_name(f"bad-{self.port}-{file.name}"), config)

    def start(self) -> None:
        self._thread.start()
        self._run(self._serve())

    def stop(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _serve(self) -> None:
        config = json.loads(self._cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
        authority = base64.b64decode(config["certificate-authority-data"]).decode()
        self._behind = config["server"]
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ssl=ssl.create_default_context(cadata=authority)
            ),
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=2**22,
        )
        application = web.Application(client_max_size=2**25)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self.port).start()

    async def _end(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.headers.get("User-Agent", "").partition("/")[0]] += 1
        body = await request.read()
        token = request.headers.get("Authorization", "").partition(" ")[2]
        if self.tokens is not None and token not in self.tokens:
            return _status(401)
        fault = self._draw()
        if fault and fault.name == "delay":
            await asyncio.sleep(self._dice.uniform(*fault.seconds))
        elif fault:
            return await self._fail(request, body, fault)
        if "watch" in request.query:
            return await self._stream(request)
        try:
            return await self._pass_on(request, body)
        except aiohttp.ClientError:
            return _cut(request)

    def _draw(self) -> Fault | None:
        fault = self._fault
        if fault is None or self._dice.random() >= fault.share:
            return None
        self.met[fault.name] += 1
        return fault

    async def _fail(self, request: web.Request, body: bytes, fault: Fault) -> web.StreamResponse:
        answer = None
        is_done = fault.name in MAY_HAVE_DONE_IT and "watch" not in request.query
        if is_done and self._dice.random() < 0.5:
            with suppress(aiohttp.ClientError):
                answer = await self._pass_on(request, body)
        if fault.name == "freeze":
            await asyncio.Event().wait()
        if fault.name != "cut":
            return _status(int(fault.name))
        if answer is not None:
            half = web.StreamResponse(status=answer.status)
            content = answer.body if isinstance(answer.body, bytes) else b""
            half.content_length = len(content)
            await half.prepare(request)
            await half.write(content[: len(content) // 2])
        return _cut(request)

    async def _pass_on(self, request: web.Request, body: bytes) -> web.Response:
        async with self._ask(request, body) as behind:
            kept = {name: behind.headers[name] for name in KEPT if name in behind.headers}
            return web.Response(status=behind.status, body=await behind.read(), headers=kept)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """A watch, until it ends or is struck."""
        struck: asyncio.Future[Fault] = self._loop.create_future()
        self._streams.add(struck)
        try:
            async with self._ask(request, b"") as behind:
                response = web.StreamResponse(status=behind.status)
                await response.prepare(request)
                while chunk := await _chunk(behind.content, struck):
                    await response.write(chunk)
                return await _break(request, response, struck) if struck.done() else response
        except (aiohttp.ClientError, ConnectionError):
            return _cut(request)
        finally:
            self._streams.discard(struck)

    def _ask(self, request: web.Request, body: bytes) -> Any:
        headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
        return self._session.request(
            request.method, self._behind + request.path_qs, data=body or None, headers=headers
        )

    def _strike(self, fault: Fault) -> None:
        for struck in [each for each in self._streams if not each.done()]:
            if self._dice.random() < fault.share:
                self.met[f"{fault.name} in a watch"] += 1
                struck.set_result(fault)


async def _chunk(content: aiohttp.StreamReader, struck: asyncio.Future[Fault]) -> bytes:
    """What comes next; empty at the end, or once it is struck."""
    reading = asyncio.ensure_future(content.readany())
    try:
        await asyncio.wait((reading, struck), return_when=asyncio.FIRST_COMPLETED)
        return b"" if struck.done() else reading.result()
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _break(
    request: web.Request, response: web.StreamResponse, struck: asyncio.Future[Fault]
) -> web.StreamResponse:
    """End an open watch in the manner of the fault."""
    fault = struck.result()
    if fault.name == "freeze":
        await asyncio.Event().wait()
    if fault.name == "cut":
        await response.write(b'{"type":"MODIFIED","object":{"metadata":')
        return _cut(request)
    error = {"type": "ERROR", "object": _body(int(fault.name))}
    await response.write(json.dumps(error).encode() + b"\n")
    return response


def _cut(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


def _status(code: int) -> web.Response:
    headers = {"Retry-After": PAUSE_SECONDS} if code == 429 else {}
    return web.json_response(_body(code), status=code, headers=headers)


def _body(code: int) -> dict[str, Any]:
    message = f"the proxy of the test says {code}"
    return {"kind": "Status", "apiVersion": "v1", "code": code, "message": message}
