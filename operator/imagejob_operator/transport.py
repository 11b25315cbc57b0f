"""Requests to the API server, and what it answers: bytes, or an ApiError."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
import msgspec
from kubernetes.aio import client, config

TIMEOUT_SECONDS = 30.0


class ApiError(Exception):
    """The API server said no, or nothing. `status` is of HTTP; 0 when it can't be reached."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}" if status else message)
        self.status = status
        self.message = message

    @property
    def is_refusal(self) -> bool:
        """Whether the request itself is what the server won't have: it understood, and said no."""
        return self.status in (400, 403, 404, 409, 413, 422)


class ConflictError(ApiError):
    """409: somebody else was there first. Read again and decide again."""


class NotFoundError(ApiError):
    """404: there is no such object."""


_ERRORS: dict[int, type[ApiError]] = {404: NotFoundError, 409: ConflictError}


class Transport:
    """A connection to the API server, as whoever the credentials say."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        query: list[tuple[str, str]] | None = None,
    ) -> bytes:
        """The body of the answer. Raises ApiError for any but a success."""
        content = "application/json-patch+json" if method == "PATCH" else "application/json"
        prepared = await self._api.param_serialize(
            method,
            path,
            query_params=query or [],
            header_params={"Accept": "application/json", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = await self._api.call_api(*prepared, _request_timeout=TIMEOUT_SECONDS)
            data: bytes = await response.read()  # type: ignore[no-untyped-call]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(0, f"the API server can't be reached: {error!r}") from error
        if response.status >= 300:
            raise _ERRORS.get(response.status, ApiError)(response.status, _message(data))
        return data


D = TypeVar("D")


def decode(data: bytes, kind: type[D]) -> D:
    """What the server answered; ApiError if it was no server of ours, such as a proxy's page."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise ApiError(0, f"the API server's answer can't be read: {error}") from error


def _message(data: bytes) -> str:
    """What a Status object says, or the text as it came."""
    try:
        return msgspec.json.decode(data, type=_Status).message
    except msgspec.DecodeError:
        return data[:200].decode(errors="replace")


class _Status(msgspec.Struct):
    message: str = ""


@asynccontextmanager
async def connect() -> AsyncIterator[Transport]:
    """To the cluster that we run in, else to the one of KUBECONFIG."""
    configuration = client.Configuration()
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    configuration.connection_pool_maxsize = 64
    async with client.ApiClient(configuration) as api:
        yield Transport(api)
