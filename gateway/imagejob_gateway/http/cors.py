"""Cross-origin requests, for pages of the origins that the chart lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from imagejob_gateway.problem import Problem, ProblemReason

from .problems import rendered

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import Receive, Scope, Send

WHICH = {"origin": "Origin", "method": "Access-Control-Request-Method"}
OTHERWISE = "Access-Control-Request-Headers"


class Cors(CORSMiddleware):
    """Starlette's, whose refusals are problems."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """See CORSMiddleware."""
        response = super().preflight_response(request_headers)
        return response if response.status_code < 400 else _Refusal(bytes(response.body).decode())


class _Refusal(Response):
    """Starlette's words, such as `Disallowed CORS origin`, as a problem."""

    def __init__(self, words: str) -> None:
        super().__init__(status_code=400)
        header = next((name for word, name in WHICH.items() if word in words), OTHERWISE)
        self._problem = Problem(ProblemReason.INVALID_REQUEST, f"{words}.", header=header)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        await rendered(scope, self._problem, {"Vary": "Origin"})(scope, receive, send)
