"""Problems as bytes, for what no application has seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from .middleware import OF_EVERY_ANSWER, REQUEST_ID, UNLESS_SET, new_request_id
from .problems import MEDIA_TYPE, body

if TYPE_CHECKING:
    from imagejob_gateway.problem import Problem


def rendered(problem: Problem) -> bytes:
    """Return an answer, after which the connection closes."""
    name = new_request_id("")
    content = json.dumps(body(problem, name)).encode()
    headers: dict[str, Any] = {
        "content-type": MEDIA_TYPE,
        "content-length": len(content),
        "connection": "close",
        REQUEST_ID.lower(): name,
        **{header.lower(): value for header, value in (OF_EVERY_ANSWER | UNLESS_SET).items()},
    }
    lines = "".join(f"{header}: {value}\r\n" for header, value in headers.items())
    return STATUS_LINE[problem.status] + lines.encode() + b"\r\n" + content
