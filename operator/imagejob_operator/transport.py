"""Requests to the API server, and what it answers: bytes, or an ApiError."""

from __future__ import annotations

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

from .metrics import Metrics
from .pace import Pace
from .version import VERSION

AGENT = f"imagejob-operator/{VERSION}"
"""Who we are in the API server's audit log."""

TIMEOUT_SECONDS = 30.0

MAX_PAUSE_SECONDS = 60
"""Nobody is left alone for longer, whatever is asked."""


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


class FencedError(ApiError):
    """Not sent: somebody else may lead by now, and decide otherwise."""

    def __init__(self, message: str) -> None:
        super().__init__(0, message)


Fence = Callable[[], None]
"""Returns if we may write now, and raises FencedError if not."""

_ERRORS: dict[int, type[ApiError]] = {404: NotFoundError, 409: ConflictError}


class Transport:
    """A connection to the API server, as whoever the credentials say.

    `pace` is how many requests at once it takes well, `metrics` what counts them.
    """

    def __init__(self, api: client.ApiClient, metrics: Metrics | None = None) -> None:
        self._api = api
        self.metrics = metrics or Metrics()
        self.pace = Pace()

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        query: list[tuple[str, str]] | None = None,
        seconds: float = TIMEOUT_SECONDS,
    ) -> bytes:
        """The body of the answer. Raises ApiError for any but a success within `seconds`."""
        url = f"{self._api.configuration.host}{path}{f'?{urlencode(query)}' if query else ''}"
        headers = await self._headers(method, path)
        began = time.monotonic()
        try:
            response = await self._api.call_api(
                method, url, headers, body, _request_timeout=seconds
            )
            data: bytes = await response.read()  # type: ignore[no-untyped-call]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.metrics.requested(method, 0, time.monotonic() - began)
            raise ApiError(0, f"the API server can't be reached: {error!r}") from error
        took = time.monotonic() - began
        self.metrics.requested(method, response.status, took)
        if method != "GET":
            self.pace.took(method, took)
        if response.status >= 300:
            kind, pause = _ERRORS.get(response.status, ApiError), _retry_after(response.headers)
            if pause:
                self.metrics.throttled()
                self.pace.refused(pause.total_seconds())
            raise kind(response.status, _message(data), pause)
        return data

    async def _headers(self, method: str, path: str) -> dict[str, str]:
        """With a token that is good now: those of a pod are renewed.

        The library's way to build a whole request would look for its own models in every value of
        the body, which takes a tenth of a millisecond for a status.
        """
        content = "application/json-patch+json" if method == "PATCH" else "application/json"
        headers = {"Accept": "application/json", "Content-Type": content, "User-Agent": AGENT}
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, None)
        return headers


D = TypeVar("D")


def decode(data: bytes, kind: type[D]) -> D:
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
