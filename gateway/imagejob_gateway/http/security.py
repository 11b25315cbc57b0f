"""The parameters of routes that need a token with a scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from imagejob_gateway.auth.caller import Caller, Scope
from imagejob_gateway.auth.compact import InvalidTokenError
from imagejob_gateway.auth.key_set_cache import KeysUnavailableError
from imagejob_gateway.auth.sealed import Kind, is_of
from imagejob_gateway.auth.tokens import Tokens
from imagejob_gateway.problem import ProblemError, ProblemReason, UnauthenticatedError
from imagejob_gateway.slots.holder import Holder

from .query import check_query
from .services import Have, Services

OF_TOKENS = (
    ProblemReason.UNAUTHENTICATED,
    ProblemReason.MISSING_SCOPE,
    ProblemReason.ISSUER_UNAVAILABLE,
)
"""The problems of every route that needs a token."""

bearer = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="A JWT of an issuer that the chart lists."
)


def requires(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that checks the token, and then the query. It raises ProblemError."""

    async def caller(
        services: Have,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> Caller:
        return await authorized(services, request, credentials, scope)

    return caller


async def _holder(
    services: Have,
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Holder:
    """Of a slot: that its token has our seal is known here; the rest from its owner's state."""
    text = _single(request, credentials)
    if not is_of(Kind.SLOT, text):
        return await authorized(services, request, credentials, Scope.UPLOAD)
    token = await services.seals.read(text, Kind.SLOT, request.path_params["id"])
    if token is None:
        raise UnauthenticatedError("the slot's token is forged or too old")
    check_query(request)
    services.slot_requests.take(token.digest)
    return token


async def _anybody(
    services: Have,
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller | None:
    """Without a token it is nobody; with one, it has to be valid."""
    if "Authorization" not in request.headers:
        return None
    return await authorized(services, request, credentials, Scope.READ)


def _single(request: Request, credentials: HTTPAuthorizationCredentials | None) -> str:
    """Return the token, "" if there are two: a proxy may have checked the other one."""
    is_single = len(request.headers.getlist("Authorization")) == 1
    return credentials.credentials if credentials and is_single else ""


async def authorized(
    services: Services,
    request: Request,
    credentials: HTTPAuthorizationCredentials | None,
    scope: Scope,
) -> Caller:
    """Check the token, and then the query. Raises ProblemError."""
    token = _single(request, credentials)
    found = await _authenticated(services.tokens, token)
    if not found.may(scope):
        raise ProblemError(
            ProblemReason.MISSING_SCOPE,
            f"The token lacks the scope {scope}.",
            header="Authorization",
        )
    check_query(request)
    return found


async def _authenticated(tokens: Tokens, token: str) -> Caller:
    try:
        return await tokens.caller(token)
    except InvalidTokenError as error:
        raise UnauthenticatedError(str(error)) from error
    except KeysUnavailableError as error:
        raise ProblemError(
            ProblemReason.ISSUER_UNAVAILABLE, "The token can't be checked now. Try again."
        ) from error


Uploader = Annotated[Caller, Depends(requires(Scope.UPLOAD))]
Reader = Annotated[Caller, Depends(requires(Scope.READ))]
Deleter = Annotated[Caller, Depends(requires(Scope.DELETE))]
Anybody = Annotated[Caller | None, Depends(_anybody)]
SlotHolder = Annotated[Holder, Depends(_holder)]
