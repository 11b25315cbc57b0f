"""Problems as responses: RFC 9457, application/problem+json."""

from __future__ import annotations

import logging
import string
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from imagejob_operator.observability.logging import fields
from starlette.exceptions import HTTPException

from imagejob_gateway.problem import (
    MEANINGS,
    Problem,
    ProblemError,
    ProblemReason,
    UnauthenticatedError,
)

from .middleware import request_id
from .models import REFERENCE, ProblemModel
from .paths import Paths, twin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

CHALLENGES = {
    ProblemReason.UNAUTHENTICATED: 'Bearer realm="imagejob-gateway"',
    ProblemReason.MISSING_SCOPE: 'Bearer realm="imagejob-gateway", error="insufficient_scope"',
}
"""RFC 6750, 3; without `error` for a token that isn't valid, so that all causes look the same."""


def install(app: FastAPI) -> None:
    """Have the application answer every error with a problem."""
    app.add_exception_handler(ProblemError, _of_problem)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)


def documented(*reasons: ProblemReason) -> dict[int | str, dict[str, Any]]:
    """Describe a route's problems for the OpenAPI document."""
    by_status: dict[int, list[ProblemReason]] = {}
    for reason in reasons:
        by_status.setdefault(MEANINGS[reason].status, []).append(reason)
    schema = {"$ref": REFERENCE.format(model=ProblemModel.__name__)}
    return {
        status: {
            "description": ", ".join(f"`{each}`" for each in named),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status, named in by_status.items()
    }


def body(problem: Problem, request: str) -> dict[str, object]:
    """Return a problem's JSON."""
    model = ProblemModel(
        type=problem.type,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        reason=problem.reason,
        request_id=request,
        field=problem.field or None,
        header=problem.header or None,
    )
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def rendered(scope: Scope, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """Render a problem, and leave its reason to measuring.py."""
    scope["state"]["problem"] = problem.reason
    return JSONResponse(
        body(problem, request_id(scope)),
        problem.status,
        {**_headers(problem), **(headers or {})},
        MEDIA_TYPE,
    )


class Bugs:
    """Answers with a problem where nothing was answered yet, and logs what happened."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        is_answered = False

        async def watched(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if is_answered:
                raise  # the server logs it, and closes the connection
            extra = fields(request=request_id(scope), path=scope["path"])
            log.exception("a request failed: %s", error, extra=extra)  # noqa: TRY401 (one line says it)
            problem = Problem(ProblemReason.INTERNAL, "The gateway failed.")
            await rendered(scope, problem)(scope, receive, send)


def _headers(problem: Problem) -> dict[str, str]:
    headers = {}
    if problem.reason in CHALLENGES:
        headers["WWW-Authenticate"] = CHALLENGES[problem.reason]
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return headers


async def _of_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 (tells mypy; it is installed for these)
    if isinstance(error, UnauthenticatedError):
        extra = fields(request=request_id(request.scope))
        log.info("a request is not authenticated: %s", error.why, extra=extra)
    return rendered(request.scope, error.problem)


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (as above)
    first = error.errors()[0]
    field = next((str(each) for each in reversed(first["loc"]) if isinstance(each, str)), "")
    problem = Problem(ProblemReason.INVALID_PARAMETER, f"{field}: {first['msg']}", field)
    return rendered(request.scope, problem)


async def _of_http(request: Request, error: Exception) -> Response:
    """Starlette's own errors: no route, or no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 (as above)
    paths: Paths = request.app.state.paths
    if error.status_code == 404:
        return _not_found(request, paths)
    if error.status_code == 405:
        allowed = ", ".join(sorted(paths.methods(request.scope["path"])))
        problem = Problem(ProblemReason.METHOD_NOT_ALLOWED, f"The path takes {allowed}.")
        return rendered(request.scope, problem, {"Allow": allowed})
    return rendered(request.scope, Problem(ProblemReason.INVALID_REQUEST, str(error.detail)))


def _not_found(request: Request, paths: Paths) -> Response:
    """Lead to the path with or without the slash at its end, if there is one.

    Relative: the scheme and host that a client uses are known to the proxy before us, not to us.
    """
    if not paths.has_twin(request.scope["path"]):
        problem = Problem(ProblemReason.NOT_FOUND, "There is no such path.")
        return rendered(request.scope, problem)
    raw, query = request.scope["raw_path"], request.scope["query_string"]
    # Bytes that are no text are escaped; what is escaped already stays.
    suffix = f"?{quote(query, safe=string.punctuation)}" if query else ""
    return RedirectResponse(twin(raw.decode("ascii")) + suffix)
