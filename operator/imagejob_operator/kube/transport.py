"""HTTP requests to the API server: they return bytes, or raise ApiError."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlencode
from urllib.request import getproxies_environment

import aiohttp
import msgspec
from kubernetes.aio import client, config

from imagejob_operator.api.version import VERSION
from imagejob_operator.observability.metrics import Metrics

from .concurrency_limiter import AdaptiveConcurrencyLimiter
from .errors import ERRORS, ApiError, TooLargeError

AGENT = f"imagejob-operator/{VERSION}"
"""Our user agent, as the API server's audit log shows it."""

TIMEOUT_SECONDS = 30.0

MAX_PAUSE_SECONDS = 60
"""The longest pause that Retry-After may ask for."""

MAX_BODY = 32 * 1024**2
"""Bytes of a response, or of one watch event. etcd limits an object to 1.5 MiB."""

MAX_ERROR_BODY = 64 * 1024

CHUNK = 128 * 1024


Fence = Callable[[], None]
"""Returns if we may write now, and raises FencedError if not."""


class Transport:
    """A connection to the API server with certain credentials.

    `limiter` adapts the number of concurrent requests, `metrics` counts them.
    """

    def __init__(self, api: client.ApiClient, metrics: Metrics | None = None) -> None:
        self._api = api
        self.metrics = metrics or Metrics()
        self.limiter = AdaptiveConcurrencyLimiter()

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        query: list[tuple[str, str]] | None = None,
        seconds: float = TIMEOUT_SECONDS,
    ) -> bytes:
        """Send a request and return the body. Raises ApiError for anything but a success within
        `seconds`.

        Raises TooLargeError for a body longer than MAX_BODY.
        """
        began = time.monotonic()
        try:
            response = await self._request(method, path, body, query, seconds)
            data = await _read(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.metrics.requested(method, 0, time.monotonic() - began)
            raise _unreached(error) from error
        took = time.monotonic() - began
        self.metrics.requested(method, response.status, took)
        if method != "GET":
            self.limiter.took(method, took)
        if response.status >= 300:
            raise self._refusal(response, data)
        return data

    @asynccontextmanager
    async def watch(
        self, path: str, query: list[tuple[str, str]], seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield the lines of a streaming response, for at most `seconds`. Entered once it has
        begun.

        Raises ApiError, also from the iterator.
        """
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await self._request("GET", path, None, query, seconds)
                data = await _read(response) if response.status >= 300 else b""
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreached(error) from error
        if data or response.status >= 300:
            raise self._refusal(response, data)
        try:
            yield _lines(response)
        finally:
            response.close()

    async def _request(
        self,
        method: str,
        path: str,
        body: object,
        query: list[tuple[str, str]] | None,
        seconds: float,
    ) -> aiohttp.ClientResponse:
        url = f"{self._api.configuration.host}{path}{f'?{urlencode(query)}' if query else ''}"
        headers = await self._headers(method, path)
        answer = await self._api.call_api(method, url, headers, body, _request_timeout=seconds)
        response: aiohttp.ClientResponse = answer.response
        return response

    def _refusal(self, response: aiohttp.ClientResponse, data: bytes) -> ApiError:
        kind, pause = ERRORS.get(response.status, ApiError), _retry_after(response.headers)
        if pause:
            self.metrics.throttled()
            self.limiter.refused(pause.total_seconds())
        return kind(response.status, _message(data), pause)

    async def _headers(self, method: str, path: str) -> dict[str, str]:
        """Build headers with a current token: a pod's tokens are rotated.

        The library's own request builder searches every value of the body for its models, which
        takes a tenth of a millisecond for a status.
        """
        content = "application/json-patch+json" if method == "PATCH" else "application/json"
        headers = {
            "Accept": "application/json",
            # A compressed response could have any size once decompressed.
            "Accept-Encoding": "identity",
            "Content-Type": content,
            "User-Agent": AGENT,
        }
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, None)
        return headers


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read the whole body, or the start of an error's. Raises TooLargeError."""
    most = MAX_BODY if response.status < 300 else MAX_ERROR_BODY
    data = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        data += chunk
        if len(data) > most:
            response.close()
            if response.status < 300:
                raise TooLargeError(MAX_BODY)
            return bytes(data[:most])
    return bytes(data)


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield complete lines.

    Raises ApiError when the connection breaks or a line exceeds MAX_BODY.
    """
    begun = bytearray()
    try:
        async for chunk in response.content.iter_chunked(CHUNK):
            *ended, rest = chunk.split(b"\n")
            for part in ended:
                line = bytes(begun + part)
                begun.clear()
                yield line
            begun += rest
            if len(begun) > MAX_BODY:
                raise TooLargeError(MAX_BODY)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unreached(error) from error


def _unreached(error: Exception) -> ApiError:
    return ApiError(0, f"the API server is unreachable: {error!r}")


D = TypeVar("D")


def decode(data: bytes | msgspec.Raw, kind: type[D]) -> D:
    """Decode a response. Raises ApiError for anything else, such as a proxy's error page."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ApiError(0, f"cannot decode the API server's response: {error}") from error


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    """Parse Retry-After in whole seconds, as API servers send it with 429, and with 503 at start
    and stop."""
    value = headers.get("Retry-After", "")
    return timedelta(seconds=min(int(value), MAX_PAUSE_SECONDS)) if value.isdigit() else timedelta()


def _message(data: bytes) -> str:
    """Return a Status object's message, or the text as received."""
    try:
        return msgspec.json.decode(data, type=_Status).message
    except msgspec.DecodeError:
        return data[:200].decode(errors="replace")


class _Status(msgspec.Struct):
    message: str = ""


@asynccontextmanager
async def connect(
    fence: Fence | None = None, metrics: Metrics | None = None
) -> AsyncIterator[Transport]:
    """Connect to the cluster that we run in, or else to KUBECONFIG's.

    `fence` is called before every request except GET. `metrics` counts the requests.
    """
    configuration = client.Configuration()
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        # The library reads the environment when it is imported, which may be too early.
        given = os.environ.get("KUBECONFIG")
        await config.load_kube_config(given, client_configuration=configuration)  # type: ignore[no-untyped-call]
    configuration.connection_pool_maxsize = 64
    # Otherwise aiohttp looks for proxies and a .netrc before each request, in a thread.
    session: dict[str, object] = {"trust_env": bool(getproxies_environment())}
    if fence:
        session["middlewares"] = (_fenced(fence),)
    configuration.client_session_kwargs = session
    async with client.ApiClient(configuration) as api:
        yield Transport(api, metrics)


def _fenced(fence: Fence) -> aiohttp.ClientMiddlewareType:
    """Build a middleware that calls the fence as late as possible.

    It runs after aiohttp's threads for proxies, and before each repetition: aiohttp repeats a PUT
    or DELETE by itself when a reused connection breaks.
    """

    async def send(
        request: aiohttp.ClientRequest, following: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if request.method != "GET":
            fence()
        return await following(request)

    return send
