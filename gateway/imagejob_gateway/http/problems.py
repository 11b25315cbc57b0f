"""Problems as responses: RFC 9457, application/problem+json."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from imagejob_operator.observability.logging import fields
from starlette.exceptions import HTTPException

from imagejob_gateway.problem import MEANINGS, Problem, ProblemError, ProblemReason

from .middleware import request_id
from .models import ProblemModel

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
    app.add_exception_handler(Exception, _of_bug)


def documented(*reasons: ProblemReason) -> dict[int | str, dict[str, Any]]:
    """Describe a route's problems for the OpenAPI document."""
    by_status: dict[int, list[ProblemReason]] = {}
    for reason in reasons:
        by_status.setdefault(MEANINGS[reason].status, []).append(reason)
    schema = {"$ref": f"#/components/schemas/{ProblemModel.__name__}"}
    return {
        status: {
            "description": ", ".join(f"`{each}`" for each in named),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status, named in by_status.items()
    }


def response(request: Request, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """Render a problem, and leave its reason to measuring.py."""
    request.state.problem = problem.reason
    body = ProblemModel(
        type=problem.type,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        reason=problem.reason,
        request_id=request_id(request.scope),
        field=problem.field or None,
        header=problem.header or None,
    )
    return JSONResponse(
        body.model_dump(mode="json", by_alias=True, exclude_none=True),
        problem.status,
        {**_headers(problem), **(headers or {})},
        MEDIA_TYPE,
    )


def _headers(problem: Problem) -> dict[str, str]:
    headers = {}
    if problem.reason in CHALLENGES:
        headers["WWW-Authenticate"] = CHALLENGES[problem.reason]
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return headers


async def _of_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 (tells mypy; it is installed for these)
    return response(request, error.problem)


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (as above)
    first = error.errors()[0]
    field = str(first["loc"][-1]) if first["loc"] else ""
    return response(
        request, Problem(ProblemReason.INVALID_PARAMETER, f"{field}: {first['msg']}", field)
    )


async def _of_http(request: Request, error: Exception) -> Response:
    """Starlette's own errors: no route, or no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 (as above)
    reasons = {404: ProblemReason.NOT_FOUND, 405: ProblemReason.METHOD_NOT_ALLOWED}
    reason = reasons.get(error.status_code, ProblemReason.INVALID_REQUEST)
    return response(request, Problem(reason, str(error.detail)), dict(error.headers or {}))


async def _of_bug(request: Request, error: Exception) -> Response:
    extra = fields(request=request_id(request.scope), path=request.url.path)
    log.error("a request failed: %s", error, exc_info=error, extra=extra)
    return response(request, Problem(ProblemReason.INTERNAL, "The gateway failed."))
