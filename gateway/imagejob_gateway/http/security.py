"""The parameters of routes that need a token with a scope."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from imagejob_gateway.auth.caller import Caller, Scope
from imagejob_gateway.auth.tokens import InvalidTokenError
from imagejob_gateway.problem import ProblemError, ProblemReason

from .services import Have

log = logging.getLogger(__name__)

_bearer = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="A JWT of an issuer that the chart lists."
)


def requires(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that checks the token. It raises ProblemError."""

    async def caller(
        services: Have,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Caller:
        token = credentials.credentials if credentials else ""
        try:
            found = await services.tokens.caller(token)
        except InvalidTokenError as error:
            log.info("a request is not authenticated: %s", error)
            # The same words for every cause: they would tell a forger how far a forgery got.
            raise ProblemError(
                ProblemReason.UNAUTHENTICATED,
                "The request needs a valid bearer token.",
                header="Authorization",
            ) from error
        if not found.may(scope):
            raise ProblemError(
                ProblemReason.MISSING_SCOPE,
                f"The token lacks the scope {scope}.",
                header="Authorization",
            )
        return found

    return caller


Uploader = Annotated[Caller, Depends(requires(Scope.UPLOAD))]
Reader = Annotated[Caller, Depends(requires(Scope.READ))]
Deleter = Annotated[Caller, Depends(requires(Scope.DELETE))]
