"""Tokens: whom they speak for, and which prove nothing."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from imagejob_gateway.auth.caller import Caller, Scope
from imagejob_gateway.auth.keys import SecretFile
from imagejob_gateway.auth.tokens import LEEWAY_SECONDS, InvalidTokenError, Tokens, open_issuers
from imagejob_gateway.config import IssuerSettings, SettingsError
from support.gateway import AUDIENCE, ISSUER, claims

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = b"k" * 32


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    path = tmp_path / "key"
    path.write_bytes(KEY + b"\n")
    return Tokens(open_issuers([IssuerSettings(ISSUER, AUDIENCE, str(path))]))


def token(
    key: bytes | None = KEY,
    header: dict[str, Any] | None = None,
    alg: str = "HS256",
    **changes: Any,
) -> str:
    return jwt.encode(claims(**changes), key, alg, header)


def caller(tokens: Tokens, text: str) -> Caller:
    return asyncio.run(tokens.caller(text))


def test_a_token_names_its_subject_and_scopes(tokens: Tokens) -> None:
    found = caller(tokens, token(scope="upload read unheard-of"))

    assert (found.issuer, found.subject) == (ISSUER, "alice")
    assert found.scopes == {Scope.UPLOAD, Scope.READ}
    assert not found.may(Scope.DELETE)
    assert found.may(Scope.READ)


def test_scopes_may_be_a_list(tokens: Tokens) -> None:
    assert caller(tokens, token(scope=None, scp=["delete", 1])).scopes == {Scope.DELETE}


def now(seconds: float) -> int:
    return int(time.time() + seconds)


FORGED: dict[str, Callable[[], str]] = {
    "another key": lambda: token(b"x" * 32),
    "no algorithm": lambda: token(None, alg="none"),
    "another algorithm": lambda: token(b"k" * 64, alg="HS512"),
    "a key of a certain name": lambda: token(header={"kid": "../../dev/null"}),
    "a critical extension": lambda: token(header={"crit": ["x"], "x": 1}),
    "another issuer": lambda: token(iss="https://other.example"),
    "another audience": lambda: token(aud="another-gateway"),
    "no issuer": lambda: token(iss=None),
    "no audience": lambda: token(aud=None),
    "no subject": lambda: token(sub=None),
    "an empty subject": lambda: token(sub=""),
    "no end": lambda: token(exp=None),
    "no begin": lambda: token(iat=None),
    "an end that is over": lambda: token(exp=now(-LEEWAY_SECONDS - 1)),
    "not yet": lambda: token(nbf=now(LEEWAY_SECONDS + 10)),
    "issued later": lambda: token(iat=now(LEEWAY_SECONDS + 10)),
    "too long": lambda: token(padding="x" * 9000),
    "no token": lambda: "rubbish",
    "nothing": lambda: "",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_proves_nothing(tokens: Tokens, forge: Callable[[], str]) -> None:
    with pytest.raises(InvalidTokenError):
        caller(tokens, forge())


def test_a_clock_may_be_half_a_minute_off(tokens: Tokens) -> None:
    assert caller(tokens, token(exp=now(-LEEWAY_SECONDS + 10))).subject == "alice"


def test_a_short_key_refuses_to_start(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"k" * 31 + b"\n")

    with pytest.raises(SettingsError, match="31 bytes"):
        SecretFile(str(path))


def test_owners_are_told_apart() -> None:
    pairs = [("a", "b#c"), ("a#b", "c"), ("a", "b"), ("b", "a")]

    owners = {Caller(issuer, subject, frozenset()).owner for issuer, subject in pairs}

    assert len(owners) == len(pairs)
    assert all(len(each) <= 63 for each in owners)


def test_all_is_every_scope_on_everybody_s_images() -> None:
    every = Caller("i", "root", frozenset({Scope.ALL}))
    one = Caller("i", "alice", frozenset({Scope.READ}))

    assert all(every.may(scope) for scope in Scope)
    assert every.owns(one.owner)
    assert one.owns(one.owner)
    assert not one.owns(every.owner)
    assert not one.owns("")
