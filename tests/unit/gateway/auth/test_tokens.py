"""Tokens that are valid; http/test_token_attacks.py has those that aren't."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from aiohttp import web
from imagejob_gateway.auth.caller import Caller, Scope
from imagejob_gateway.auth.compact import InvalidTokenError
from imagejob_gateway.auth.key_set_cache import KeysUnavailableError
from imagejob_gateway.auth.tokens import LEEWAY_SECONDS, Tokens, open_issuers
from imagejob_gateway.config import IssuerSettings
from support.gateway import AUDIENCE, ISSUER, claims
from support.gateway_services import DIAL
from support.signed import ASYMMETRIC, jwk, key_set, private_key
from support.web_server import Answer, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

KEY = b"k" * 32
OTHER = "https://other.example"


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    path = tmp_path / "key"
    path.write_bytes(KEY + b"\n")
    other = IssuerSettings(
        OTHER, AUDIENCE, algorithm="EdDSA", public_key=json.dumps(jwk("EdDSA", kid=None))
    )
    return Tokens(open_issuers([IssuerSettings(ISSUER, AUDIENCE, str(path)), other], DIAL))


def caller(tokens: Tokens, header: dict[str, Any] | None = None, **changes: Any) -> Caller:
    return asyncio.run(tokens.caller(jwt.encode(claims(**changes), KEY, "HS256", header)))


def test_a_token_names_its_subject_and_scopes(tokens: Tokens) -> None:
    found = caller(tokens, scope="upload read unheard-of")

    assert (found.issuer, found.subject) == (ISSUER, "alice")
    assert found.scopes == {Scope.UPLOAD, Scope.READ}
    assert not found.may(Scope.DELETE)
    assert found.may(Scope.READ)


def test_scopes_may_be_a_list(tokens: Tokens) -> None:
    assert caller(tokens, scope=None, scp=["delete", 1]).scopes == {Scope.DELETE}


def test_one_of_several_audiences_is_enough(tokens: Tokens) -> None:
    assert caller(tokens, aud=["another", AUDIENCE]).subject == "alice"


@pytest.mark.parametrize("kind", ["JWT", "at+jwt", "AT+JWT", "application/at+jwt"])
def test_types_of_access_tokens_are_known(tokens: Tokens, kind: str) -> None:
    assert caller(tokens, {"typ": kind}).subject == "alice"


def test_clocks_may_be_half_a_minute_off(tokens: Tokens) -> None:
    now = int(time.time())

    assert caller(tokens, exp=now - LEEWAY_SECONDS + 10).subject == "alice"
    assert caller(tokens, iat=now + LEEWAY_SECONDS - 10).subject == "alice"
    assert caller(tokens, nbf=now + LEEWAY_SECONDS - 10).subject == "alice"


def published(app: Answer, algorithm: str, check: Callable[[Tokens], Awaitable[None]]) -> None:
    """Run a check with an issuer whose keys are at a URL."""

    async def case() -> None:
        async with serving(app) as url:
            settings = IssuerSettings(OTHER, AUDIENCE, algorithm=algorithm, jwks_url=url)  # type: ignore[arg-type]
            await check(Tokens(open_issuers([settings], DIAL)))

    asyncio.run(case())


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_keys_may_be_published_at_a_url(algorithm: str) -> None:
    async def publish(_: web.Request) -> web.StreamResponse:
        return web.Response(body=key_set(jwk(algorithm), jwk(algorithm, "two")))

    async def check(tokens: Tokens) -> None:
        for name in ("one", "two"):
            key = private_key(algorithm, name)
            text = jwt.encode(claims(iss=OTHER), key, algorithm, {"kid": name})
            assert (await tokens.caller(text)).subject == "alice"
        unknown = jwt.encode(claims(iss=OTHER), key, algorithm, {"kid": "three"})
        with pytest.raises(InvalidTokenError, match="no such key"):
            await tokens.caller(unknown)

    published(publish, algorithm, check)


def test_an_issuer_that_is_down_is_not_the_token_s_fault() -> None:
    async def down(_: web.Request) -> web.StreamResponse:
        return web.Response(status=502)

    async def check(tokens: Tokens) -> None:
        text = jwt.encode(claims(iss=OTHER), private_key("ES256"), "ES256", {"kid": "one"})
        with pytest.raises(KeysUnavailableError):
            await tokens.caller(text)

    published(down, "ES256", check)


def test_the_same_subject_of_two_issuers_is_two_callers(tokens: Tokens) -> None:
    text = jwt.encode(claims(iss=OTHER), private_key("EdDSA"), "EdDSA")

    other = asyncio.run(tokens.caller(text))

    assert other.subject == caller(tokens).subject
    assert other.owner != caller(tokens).owner
