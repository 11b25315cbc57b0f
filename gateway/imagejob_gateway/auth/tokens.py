"""Bearer tokens: JWTs of known issuers, each with one algorithm and its own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jwt

from .caller import Caller, Scope
from .keys import KeySource, SecretFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagejob_gateway.config import IssuerSettings

LEEWAY_SECONDS = 30
LONGEST_TOKEN = 8 * 1024
REQUIRED = ("exp", "iat", "iss", "aud", "sub")
LONGEST_SUBJECT = 512


class InvalidTokenError(ValueError):
    """The token proves nothing; the message says why, for the log and not for the client."""


class Issuer(NamedTuple):
    """One issuer and its keys."""

    settings: IssuerSettings
    keys: KeySource


class Tokens:
    """Checks tokens."""

    def __init__(self, issuers: Iterable[Issuer]) -> None:
        self._issuers = {each.settings.issuer: each for each in issuers}

    async def caller(self, token: str) -> Caller:
        """Return whom the token speaks for. Raises InvalidTokenError."""
        if len(token) > LONGEST_TOKEN:
            raise InvalidTokenError("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            issuer = self._issuers.get(_claimed_issuer(token))
            if issuer is None:
                raise InvalidTokenError("the issuer isn't known")
            claims = _verified(token, issuer, await issuer.keys.key(header))
        except jwt.PyJWTError as error:
            raise InvalidTokenError(str(error)) from error
        return _caller(claims)


def open_issuers(settings: Iterable[IssuerSettings]) -> list[Issuer]:
    """Read the keys of all issuers. Raises SettingsError."""
    return [Issuer(each, SecretFile(each.key_file)) for each in settings]


def _claimed_issuer(token: str) -> str:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    issuer = claims.get("iss")
    return issuer if isinstance(issuer, str) else ""


def _verified(token: str, issuer: Issuer, key: bytes | None) -> dict[str, Any]:
    if key is None:
        raise InvalidTokenError("the issuer has no such key")
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[issuer.settings.algorithm],
        audience=issuer.settings.audience,
        issuer=issuer.settings.issuer,
        leeway=LEEWAY_SECONDS,
        options={"require": list(REQUIRED)},
    )
    return claims


def _caller(claims: dict[str, Any]) -> Caller:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise InvalidTokenError("the subject is empty or too long")
    return Caller(claims["iss"], subject, _scopes(claims))


def _scopes(claims: dict[str, Any]) -> frozenset[Scope]:
    """`scope` as in RFC 9068, words in one text; or `scp`, a list. Unknown words mean nothing."""
    scope, listed = claims.get("scope", ""), claims.get("scp", ())
    words = scope.split() if isinstance(scope, str) else []
    words += [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    known = frozenset(Scope)
    return frozenset(Scope(each) for each in words if each in known)
