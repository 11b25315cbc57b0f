"""The HTTP client of the dev cluster, tests and benchmarks: blocking, JSON where it is an API's."""

from __future__ import annotations

import http
import http.client
import json
import math
import socket
import ssl
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from imagejob_dev.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Object = dict[str, Any]

TIMEOUT_SECONDS = 10.0
CONTENT_TYPES = {
    "json": "application/json",
    "merge": "application/merge-patch+json",
    "json-patch": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


class ApiError(Exception):
    """The API server rejected a request; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Answer(NamedTuple):
    """An answer of any HTTP status."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body, with what isn't UTF-8 replaced."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:  # noqa: ANN401 (JSON)
        """Parse the body; raise ApiError for a status of 400 or more."""
        if self.status >= http.HTTPStatus.BAD_REQUEST:
            raise ApiError(self.status, self.text)
        return json.loads(self.body)


@dataclass(frozen=True)
class Session:
    """One connection, kept for many requests."""

    connection: http.client.HTTPConnection
    headers: Mapping[str, str]

    def send(self, method: str, path: str, body: object = None, kind: str = "json") -> Answer:
        """Send a request and read its answer. `kind` is one of CONTENT_TYPES.

        A body that is a string or bytes is sent as it is, any other as JSON.
        """
        self._request(method, path, body, kind)
        with self.connection.getresponse() as response:
            return Answer(response.status, response.read())

    @contextmanager
    def stream(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """The answer of a GET, to be read as it comes. Raises ApiError."""
        self._request("GET", path, None, "json")
        with self.connection.getresponse() as response:
            if response.status >= http.HTTPStatus.BAD_REQUEST:
                raise ApiError(response.status, response.read().decode(errors="replace"))
            yield response

    def _request(self, method: str, path: str, body: object, kind: str) -> None:
        payload = body if body is None or isinstance(body, str | bytes) else json.dumps(body)
        headers = {"Content-Type": CONTENT_TYPES[kind], **self.headers}
        self.connection.request(method, path, payload, headers)


@dataclass(frozen=True)
class Rest:
    """A server, as one account sees it. Objects are plain dictionaries.

    `connect` makes a connection with a timeout in seconds.
    """

    connect: Callable[[float], http.client.HTTPConnection]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def with_headers(self, **headers: str) -> Rest:
        """Send these headers, too; underscores in their names become dashes."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **more})

    @contextmanager
    def session(self, timeout: float = TIMEOUT_SECONDS) -> Iterator[Session]:
        """Connect for many requests, one at a time."""
        with closing(self.connect(timeout)) as connection:
            yield Session(connection, self.headers)

    def send(self, method: str, path: str, body: object = None, kind: str = "json") -> Answer:
        """Send a request over a connection of its own: the server may restart between two."""
        with self.session() as session:
            return session.send(method, path, body, kind)

    def get(self, path: str) -> Object:
        return self._json("GET", path)

    def post(self, path: str, body: object) -> Object:
        return self._json("POST", path, body)

    def delete(self, path: str) -> Object:
        return self._json("DELETE", path)

    def answers(self, path: str) -> bool:
        """Whether a server answers a GET of `path` with a success; its body isn't read."""
        try:
            with self.session() as session, session.stream(path):
                return True
        except (OSError, ApiError, http.client.HTTPException):
            return False

    @contextmanager
    def watch(self, path: str, version: str, seconds: float) -> Iterator[Iterator[Object]]:
        """The events of a collection after `version`, for at most `seconds`."""
        separator = "&" if "?" in path else "?"
        url = f"{path}{separator}watch=1&resourceVersion={version}"
        url += f"&timeoutSeconds={math.ceil(seconds)}"
        with self.session(seconds + TIMEOUT_SECONDS) as session, session.stream(url) as response:
            yield (json.loads(line) for line in response)

    def _json(self, method: str, path: str, body: object = None) -> Object:
        decoded: Object = self.send(method, path, body).json()
        return decoded


def over_http(port: int) -> Rest:
    """A server without TLS at a port of this machine."""
    return Rest(lambda timeout: http.client.HTTPConnection(LOOPBACK, port, timeout=timeout))


def over_tls(port: int, certificate: Path, token: str) -> Rest:
    """The API server at a port of 127.0.0.1. `certificate`, the one it shows, may come later."""

    def connect(timeout: float) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(certificate))
        return http.client.HTTPSConnection(LOOPBACK, port, timeout=timeout, context=context)

    return Rest(connect, {"Authorization": f"Bearer {token}"})


def over_socket(path: Path) -> Rest:
    """The server behind a proxy that listens on a Unix socket, with the proxy's account."""

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
