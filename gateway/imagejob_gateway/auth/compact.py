"""Tokens as they are written: three parts in base64url, two of them objects in JSON (RFC 7515).

PyJWT verifies them. It is lenient about how they are written, and where two programs read one
token differently, one of them can be deceived. So what is doubtful is refused here, before a key
is looked for: padding, white space, names that occur twice, numbers without an end.
"""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any, NamedTuple, NoReturn

LONGEST_TOKEN = 8 * 1024
LONGEST_KEY_ID = 256

TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""Of access tokens, in lower case; others, as of a logout, are no access (RFC 8725, 3.11)."""

_PART = re.compile(r"[A-Za-z0-9_-]+")


class InvalidTokenError(ValueError):
    """The token proves nothing; the message says why, for the log and not for the client."""


class CompactToken(NamedTuple):
    """A token that is well-formed, and of which nothing is verified yet."""

    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def key_id(self) -> str | None:
        """The key that it names."""
        found: str | None = self.header.get("kid")
        return found


def read(token: str) -> CompactToken:
    """Read a token. Raises InvalidTokenError."""
    if not token:
        raise InvalidTokenError("there is no bearer token, or more than one")
    if len(token) > LONGEST_TOKEN:
        raise InvalidTokenError("the token is too long")
    parts = token.split(".")
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        raise InvalidTokenError("the token isn't three parts in base64url")
    header, claims = _object(parts[0]), _object(parts[1])
    _check_header(header)
    return CompactToken(header, claims)


def _object(part: str) -> dict[str, Any]:
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        found = json.loads(
            data.decode(),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise InvalidTokenError(f"a part of the token can't be read: {error}") from error
    if not isinstance(found, dict):
        raise InvalidTokenError("a part of the token isn't an object")
    return found


def _check_header(header: dict[str, Any]) -> None:
    """Keys that a header brings along, or says where to find, are not looked at by anyone."""
    if "crit" in header:
        raise InvalidTokenError("the token has extensions that must be understood")
    key_id = header.get("kid", "-")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= LONGEST_KEY_ID:
        raise InvalidTokenError("the key's id isn't text, or is empty or too long")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise InvalidTokenError("the token is of another type")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} isn't JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value
