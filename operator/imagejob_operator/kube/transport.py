"""Requests to the API server, and what it answers: bytes, or an ApiError."""

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

AGENT = f"imagejob-operator/{VERSION}"
"""Who we are in the API server's audit log."""

TIMEOUT_SECONDS = 30.0

MAX_PAUSE_SECONDS = 60
"""Nobody is left alone for longer, whatever is asked."""

MAX_BODY = 32 * 1024**2
"""Bytes of an answer, or of one message of a watch. etcd takes 1.5 MiB for an object."""

MAX_ERROR_BODY = 64 * 1024

CHUNK = 128 * 1024


class ApiError(Exception):
    """The API server said no, or nothing. `status` is of HTTP; 0 when it can't be reached.

    `retry_after` is how long it asks to be left alone.
    """

    def __init__(self, status: int, message: str, retry_after: timedelta = timedelta()) -> None:
        super().__init__(f"{status}: {message}" if status else message)
        self.status = status
        self.message = message
        self.retry_after = retry_after

    @property
    def is_refusal(self) -> bool:
        """Whether the request itself is what the server won't have: it understood, and said no."""
        return self.status in (400, 403, 404, 409, 413, 422)


class ConflictError(ApiError):
    """409: somebody else was there first. Read again and decide again."""


class NotFoundError(ApiError):
    """404: there is no such object."""


class ExpiredError(ApiError):
    """410: what was to be gone on from is too old. List again."""


class TooLargeError(ApiError):
    """The answer is longer than MAX_BODY, and was not read to its end."""

    def __init__(self) -> None:
        super().__init__(0, f"the answer has more than {MAX_BODY} bytes")


class FencedError(ApiError):
    """Not sent: somebody else may lead by now, and decide otherwise."""

    def __init__(self, message: str) -> None:
        super().__init__(0, message)


Fence = Callable[[], None]
"""Returns if we may write now, and raises FencedError if not."""

_ERRORS: dict[int, type[ApiError]] = {
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
}


class Transport:
    """A connection to the API server, as whoever the credentials say.

    `pace` is how many requests at once it takes well, `metrics` what counts them.
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
        """The body of the answer. Raises ApiError for any but a success within `seconds`.

        TooLargeError where it has more than MAX_BODY.
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
        """The lines of an answer that goes on, for `seconds` at most: entered once it has begun.

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
        kind, pause = _ERRORS.get(response.status, ApiError), _retry_after(response.headers)
        if pause:
            self.metrics.throttled()
            self.limiter.refused(pause.total_seconds())
        return kind(response.status, _message(data), pause)

    async def _headers(self, method: str, path: str) -> dict[str, str]:
        """With a token that is good now: those of a pod are renewed.

        The library's way to build a whole request would look for its own models in every value of
        the body, which takes a tenth of a millisecond for a status.
        """
        content = "application/json-patch+json" if method == "PATCH" else "application/json"
        headers = {
            "Accept": "application/json",
            # What is compressed may be of any size once it is not.
            "Accept-Encoding": "identity",
            "Content-Type": content,
            "User-Agent": AGENT,
        }
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, None)
        return headers


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """All of it, or the begin of an error's. Raises TooLargeError."""
    most = MAX_BODY if response.status < 300 else MAX_ERROR_BODY
    data = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        data += chunk
        if len(data) > most:
            response.close()
            if response.status < 300:
                raise TooLargeError
            return bytes(data[:most])
    return bytes(data)


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Each whole line. Raises ApiError where it breaks, or is longer than MAX_BODY."""
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
                raise TooLargeError
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unreached(error) from error


def _unreached(error: Exception) -> ApiError:
    return ApiError(0, f"the API server can't be reached: {error!r}")


D = TypeVar("D")


def decode(data: bytes | msgspec.Raw, kind: type[D]) -> D:
    """What the server answered; ApiError if it was no server of ours, such as a proxy's page."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise ApiError(0, f"the API server's answer can't be read: {error}") from error


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    """As API servers send it, in whole seconds: with 429, and with 503 while they start or stop."""
    value = headers.get("Retry-After", "")
    return timedelta(seconds=min(int(value), MAX_PAUSE_SECONDS)) if value.isdigit() else timedelta()


def _message(data: bytes) -> str:
    """What a Status object says, or the text as it came."""
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
    """To the cluster that we run in, else to the one of KUBECONFIG.

    `fence` is asked before every request that isn't a GET. `metrics` counts the requests.
    """
    configuration = client.Configuration()
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        # The library would go by the environment as it was when it was imported.
        given = os.environ.get("KUBECONFIG")
        await config.load_kube_config(given, client_configuration=configuration)  # type: ignore[no-untyped-call]
    configuration.connection_pool_maxsize = 64
    # Else aiohttp looks for proxies and a .netrc before each request, in a thread of its own.
    session: dict[str, object] = {"trust_env": bool(getproxies_environment())}
    if fence:
        session["middlewares"] = (_fenced(fence),)
    configuration.client_session_kwargs = session
    async with client.ApiClient(configuration) as api:
        yield Transport(api, metrics)


def _fenced(fence: Fence) -> aiohttp.ClientMiddlewareType:
    """As late as can be: behind the threads that aiohttp asks for proxies, and before each repeat.

    (It sends a PUT or DELETE once more by itself when a connection breaks that was open before.)
    """

    async def send(
        request: aiohttp.ClientRequest, following: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if request.method != "GET":
            fence()
        return await following(request)

    return send
