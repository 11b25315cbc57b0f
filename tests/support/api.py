"""The API server over one persistent connection; starting kubectl costs more than most cases."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.rest import Rest, Session

Body = dict[str, Any]

IMAGING = "/apis/imagejob.dev/v1alpha1/namespaces"


class RefusedError(Exception):
    """The API server's objection: its message, and the field and message of each cause."""

    def __init__(self, status: Body) -> None:
        super().__init__(status["message"])
        causes = status.get("details", {}).get("causes", [])
        self.causes = [(cause.get("field", ""), cause.get("message", "")) for cause in causes]


@dataclass(frozen=True)
class Api:
    """As the session's user; bodies and answers are plain dictionaries."""

    session: Session

    def send(self, method: str, path: str, body: object = None, kind: str = "json") -> Body:
        """Return the response. RefusedError if it is no success. `kind` is as for Session."""
        answer = self.session.send(method, path, body, kind)
        decoded: Body = json.loads(answer.body)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(decoded)
        return decoded

    def get(self, path: str) -> Body:
        return self.send("GET", path)

    def post(self, path: str, body: object) -> Body:
        return self.send("POST", path, body)

    def merge(self, path: str, change: object) -> Body:
        """Send a merge patch."""
        return self.send("PATCH", path, change, "merge")


@contextmanager
def connected(rest: Rest) -> Iterator[Api]:
    """Connect as the same user as `rest`."""
    with rest.session() as session:
        yield Api(session)
