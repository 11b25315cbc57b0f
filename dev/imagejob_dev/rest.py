"""The few calls that the harness itself makes to the API server: JSON over HTTP, blocking."""

from __future__ import annotations

import http
import http.client
import json
import math
import socket
import ssl
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Object = dict[str, Any]

TIMEOUT_SECONDS = 10.0


class ApiError(Exception):
    """The API server refused a request; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True)
class Rest:
    """One account's view of an API server. Objects are plain dictionaries.

    `connect` makes a connection with a timeout in seconds.
    """

    connect: Callable[[float], http.client.HTTPConnection]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def get(self, path: str) -> Object:
        return self._json("GET", path)

    def post(self, path: str, body: object) -> Object:
        return self._json("POST", path, body)

    def delete(self, path: str) -> Object:
        return self._json("DELETE", path)

    def answers(self, path: str) -> bool:
        """Whether there is a server, and it answers a GET of `path` with a success."""
        try:
            with self._exchange("GET", path):
                return True
        except (OSError, ApiError, http.client.HTTPException):
            return False

    @contextmanager
    def watch(self, path: str, version: str, seconds: float) -> Iterator[Iterator[Object]]:
        """The events of a collection after `version`, for at most `seconds`."""
        separator = "&" if "?" in path else "?"
        url = f"{path}{separator}watch=1&resourceVersion={version}"
        url += f"&timeoutSeconds={math.ceil(seconds)}"
        with self._exchange("GET", url, timeout=seconds + TIMEOUT_SECONDS) as response:
            yield (json.loads(line) for line in response)

    def _json(self, method: str, path: str, body: object = None) -> Object:
        with self._exchange(method, path, body) as response:
            decoded: Object = json.loads(response.read())
            return decoded

    @contextmanager
    def _exchange(
        self, method: str, path: str, body: object = None, timeout: float = TIMEOUT_SECONDS
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer, or ApiError. A new connection each time: the server may restart."""
        headers = {**self.headers, "Content-Type": "application/json"}
        payload = None if body is None else json.dumps(body)
        with closing(self.connect(timeout)) as connection:
            connection.request(method, path, payload, headers)
            with connection.getresponse() as response:
                if response.status >= http.HTTPStatus.BAD_REQUEST:
                    raise ApiError(response.status, response.read().decode(errors="replace"))
                yield response


def over_tls(port: int, certificate: Path, token: str) -> Rest:
    """The API server at a port of 127.0.0.1. `certificate`, the one it shows, may come later."""

    def connect(timeout: float) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(certificate))
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)

    return Rest(connect, {"Authorization": f"Bearer {token}"})


def over_socket(path: Path) -> Rest:
    """Whatever a proxy that listens on a Unix socket reaches, as whoever the proxy is."""

    def connect(timeout: float) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        try:
            connection.sock.connect(str(path))
        except OSError:
            connection.close()
            raise
        return connection

    return Rest(connect)
