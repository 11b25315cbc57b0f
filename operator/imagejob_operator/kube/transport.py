"""HTTP requests to the API server: they return bytes, or raise ApiError."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec
from kubernetes.aio import client

from imagejob_operator.api.version import VERSION
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.observability.trouble import Trouble

from . import connection, responses
from .concurrency_limiter import AdaptiveConcurrencyLimiter
from .credentials import Credentials
from .errors import ERRORS, ApiError

AGENT = f"imagejob-operator/{VERSION}"
"""Our user agent, as the API server's audit log shows it."""

TIMEOUT_SECONDS = 30.0

Fence = Callable[[], None]
"""Returns if we may write now, and raises FencedError if not."""


class Transport:
    """A connection to the API server with certain credentials.

    `limiter` adapts the number of concurrent requests, `metrics` counts them. `trouble` logs
    outages; without it, the caller does.
    """

    def __init__(
        self,
        api: client.ApiClient,
        credentials: Credentials,
        metrics: Metrics | None = None,
        trouble: Trouble | None = None,
    ) -> None:
        self._api = api
        self._credentials = credentials
        self._trouble = trouble
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
            async with asyncio.timeout(seconds):
                response = await self._request(method, path, body, query, seconds)
                data = await responses.read(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.metrics.requested(method, 0, time.monotonic() - began)
            raise self._told(responses.unreached(error), method, path) from error
        took = time.monotonic() - began
        self.metrics.requested(method, response.status, took)
        if method != "GET":
            self.limiter.took(method, took)
        if response.status >= 300:
            raise self._told(self._refusal(response, data), method, path)
        self._worked()
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
                data = await responses.read(response) if response.status >= 300 else b""
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._told(responses.unreached(error), "WATCH", path) from error
        if response.status >= 300:
            raise self._told(self._refusal(response, data), "WATCH", path)
        self._worked()
        try:
            yield responses.lines(response)
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
        """Send a request; once more if its token was rejected and another can be read."""
        url = f"{self._api.configuration.host}{path}{f'?{urlencode(query)}' if query else ''}"
        sent = await self._credentials.header()
        response = await self._call(method, url, body, sent, seconds)
        if response.status == 401:
            current = await self._credentials.header(rejected=sent)
            if current != sent:
                response.release()
                response = await self._call(method, url, body, current, seconds)
        return response

    async def _call(
        self, method: str, url: str, body: object, authorization: str, seconds: float
    ) -> aiohttp.ClientResponse:
        headers = _headers(method, authorization)
        answer = await self._api.call_api(method, url, headers, body, _request_timeout=seconds)
        response: aiohttp.ClientResponse = answer.response
        return response

    def _told(self, error: ApiError, verb: str, path: str) -> ApiError:
        """Return the error; if it is an outage, it is logged, unless that was done already."""
        if self._trouble and error.is_outage:
            self._trouble.failed(f"{verb} {path}: {error}")
        return error

    def _worked(self) -> None:
        if self._trouble:
            self._trouble.worked()

    def _refusal(self, response: aiohttp.ClientResponse, data: bytes) -> ApiError:
        kind, pause = ERRORS.get(response.status, ApiError), responses.retry_after(response.headers)
        if pause:
            self.metrics.throttled()
            self.limiter.refused(pause.total_seconds())
        return kind(response.status, responses.message(data), pause)


def _headers(method: str, authorization: str) -> dict[str, str]:
    """Build headers.

    The library's own request builder searches every value of the body for its models, which takes a
    tenth of a millisecond for a status.
    """
    content = "application/json-patch+json" if method == "PATCH" else "application/json"
    headers = {
        "Accept": "application/json",
        # A compressed response could have any size once decompressed.
        "Accept-Encoding": "identity",
        "Content-Type": content,
        "User-Agent": AGENT,
    }
    return {**headers, "Authorization": authorization} if authorization else headers


D = TypeVar("D")


def decode(data: bytes | msgspec.Raw, kind: type[D]) -> D:
    """Decode a response. Raises ApiError for anything else, such as a proxy's error page."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ApiError(0, f"cannot decode the API server's response: {error}") from error


@asynccontextmanager
async def connect(
    fence: Fence | None = None,
    metrics: Metrics | None = None,
    trouble: Trouble | None = None,
    environment: Mapping[str, str] = os.environ,
) -> AsyncIterator[Transport]:
    """Connect to the cluster that we run in, or else to KUBECONFIG's.

    `fence` is called before every request except GET. `metrics` counts the requests, `trouble` logs
    outages. Raises ConnectionConfigError.
    """
    configuration, credentials = await connection.load(environment)
    # Otherwise aiohttp would look for proxies and a .netrc before each request, in a thread.
    session: dict[str, object] = {"trust_env": False}
    if fence:
        session["middlewares"] = (_fenced(fence),)
    configuration.client_session_kwargs = session
    async with client.ApiClient(configuration) as api:
        yield Transport(api, credentials, metrics, trouble)


def _fenced(fence: Fence) -> aiohttp.ClientMiddlewareType:
    """Build a middleware that calls the fence as late as possible.

    It runs after waiting for credentials, and before each repetition: aiohttp repeats a PUT or
    DELETE by itself when a reused connection breaks.
    """

    async def send(
        request: aiohttp.ClientRequest, following: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if request.method != "GET":
            fence()
        return await following(request)

    return send
