"""Whom a request comes from, and what it may do."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec


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

    def owns(self, owner: str) -> bool:
        """Whether it may know of what has this owner."""
        return self.is_for_all or owner == self.owner
