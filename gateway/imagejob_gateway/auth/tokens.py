"""Bearer tokens: JWTs of known issuers, each with one algorithm and its own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jwt

from . import compact
from .caller import Caller, Scope, is_subject
from .compact import InvalidTokenError
from .keys import KeySource, open_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagejob_gateway.config import IssuerSettings
    from imagejob_gateway.dialing import Dial

    from .key_ring import Key

LEEWAY_SECONDS = 30
REQUIRED = ("exp", "iat", "iss", "aud", "sub")
TIMES = ("exp", "iat", "nbf")


class Issuer(NamedTuple):
    """One issuer and its keys."""

    settings: IssuerSettings
    keys: KeySource


class Tokens:
    """Checks tokens."""

    def __init__(self, issuers: Iterable[Issuer]) -> None:
        self._issuers = {each.settings.issuer: each for each in issuers}

    async def caller(self, token: str) -> Caller:
        """Return whom the token speaks for. Raises InvalidTokenError or KeysUnavailableError."""
        found = compact.read(token)
        named = found.claims.get("iss")
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            raise InvalidTokenError("the issuer isn't known")
        if found.header.get("alg") != issuer.settings.algorithm:
            raise InvalidTokenError("the algorithm isn't the issuer's")
        key = await issuer.keys.key(found.key_id)
        if key is None:
            raise InvalidTokenError("the issuer has no such key")
        _verify(token, issuer.settings, key)
        return _caller(found.claims)


def open_issuers(settings: Iterable[IssuerSettings], dial: Dial) -> list[Issuer]:
    """Read the keys of all issuers. Raises SettingsError."""
    return [Issuer(each, open_keys(each, dial)) for each in settings]


def _verify(token: str, issuer: IssuerSettings, key: Key) -> None:
    try:
        jwt.decode(
            token,
            key,
            algorithms=[issuer.algorithm],
            audience=issuer.audience,
            issuer=issuer.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": list(REQUIRED)},
        )
    except jwt.PyJWTError as error:
        raise InvalidTokenError(str(error)) from error


def _caller(claims: dict[str, Any]) -> Caller:
    for name in TIMES:
        # PyJWT takes "1" and true for numbers.
        if name in claims and type(claims[name]) not in (int, float):
            raise InvalidTokenError(f"{name} isn't a number")
    subject = claims["sub"]
    if not is_subject(subject):
        raise InvalidTokenError("the subject is empty, too long or not printable")
    return Caller(claims["iss"], subject, _scopes(claims))


def _scopes(claims: dict[str, Any]) -> frozenset[Scope]:
    """`scope` as in RFC 9068, words in one text; or `scp`, a list. Unknown words mean nothing."""
    scope, listed = claims.get("scope", ""), claims.get("scp", ())
    words = scope.split() if isinstance(scope, str) else []
    words += [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    known = frozenset(Scope)
    return frozenset(Scope(each) for each in words if each in known)
