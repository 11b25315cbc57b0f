"""Whom a request comes from, and what it may do."""

from __future__ import annotations

import hashlib
import unicodedata
from enum import StrEnum
from typing import TypeGuard

import msgspec

LONGEST_SUBJECT = 255
"""Characters: OpenID Connect Core, 2."""

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode's categories of what would mislead readers of an audit log, or break its lines."""


class Scope(StrEnum):
    """What a token allows. `all` is every scope, on everybody's images."""

    UPLOAD = "upload"
    READ = "read"
    DELETE = "delete"
    ALL = "all"


class Caller(msgspec.Struct, frozen=True):
    """The subject of a token, as its issuer names it."""

    issuer: str
    subject: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether the token allows it."""
        return scope in self.scopes or self.is_for_all

    @property
    def is_for_all(self) -> bool:
        """Whether it sees everybody's images."""
        return Scope.ALL in self.scopes

    @property
    def owner(self) -> str:
        """A label's value that no other subject has, of this or another issuer.

        160 bits in hex. The issuer's length keeps `a#b` + `c` apart from `a` + `b#c`.
        """
        name = f"{len(self.issuer)}:{self.issuer}#{self.subject}"
        return hashlib.sha256(name.encode()).hexdigest()[:40]

    @property
    def on_behalf_of(self) -> str:
        """The caller as the audit log shows it. No issuer has a `#`, so the first one ends it."""
        return f"{self.issuer}#{self.subject}"

    def owns(self, owner: str) -> bool:
        """Whether it may know of what has this owner."""
        return self.is_for_all or owner == self.owner


def is_subject(value: object) -> TypeGuard[str]:
    """Whether a claim can be a subject: a text that can be shown, and that isn't too long."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_SUBJECT:
        return False
    return value == value.strip() and not any(unicodedata.category(c) in INVISIBLE for c in value)
