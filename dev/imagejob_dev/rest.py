"""The few calls that the harness itself makes to the API server: JSON over HTTPS, blocking."""

from __future__ import annotations

import http
import http.client
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_SECONDS = 10.0


class ApiError(Exception):
    """The API server refused a request; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True)
class Rest:
    """One account's view of an API server on 127.0.0.1. Objects are plain dictionaries."""

    port: int
    certificate: Path
    token: str

    def get(self, path: str) -> dict[str, Any]:
        return self._json("GET", path)

    def post(self, path: str, body: object) -> dict[str, Any]:
        return self._json("POST", path, body)

    def delete(self, path: str) -> dict[str, Any]:
        return self._json("DELETE", path)

    def answers(self, path: str) -> bool:
        """Whether there is a server, and it answers a GET of `path` with a success."""
        try:
            self._exchange("GET", path)
        except (OSError, ApiError, http.client.HTTPException):
            return False
        return True

    def _json(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self._exchange(method, path, body))
        return decoded

    def _exchange(self, method: str, path: str, body: object = None) -> bytes:
        """The answer's body, or ApiError. A new connection each time: the server may restart."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=context, timeout=TIMEOUT_SECONDS
        )
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise ApiError(response.status, answer.decode(errors="replace"))
        return answer
