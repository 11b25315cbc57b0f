"""Attacks with tokens: every one is refused, in words that don't tell how far it got."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.auth.key_set_cache import KeysUnavailableError
from imagejob_gateway.auth.tokens import Tokens, open_issuers
from imagejob_gateway.config import IssuerSettings
from imagejob_gateway.http.app import application
from support.asgi import request
from support.forged_tokens import FORGED, SECRET, UNAUTHENTICATED, issuer, token
from support.gateway import AUDIENCE
from support.gateway_services import DIAL, services
from support.signed import ASYMMETRIC, jwk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI
    from imagejob_gateway.auth.caller import Caller
    from support.answers import Answer

IMAGES = "/api/v1/images"


class NoImages:
    def images(self, owner: str | None) -> Iterator[Any]:
        assert owner
        yield from ()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Of four issuers, one of each algorithm."""
    secret = tmp_path_factory.mktemp("issuer") / "key"
    secret.write_bytes(SECRET)
    issuers = [IssuerSettings(issuer("HS256"), AUDIENCE, str(secret))]
    for algorithm in ASYMMETRIC:
        key = json.dumps(jwk(algorithm))
        issuers.append(
            IssuerSettings(issuer(algorithm), AUDIENCE, algorithm=algorithm, public_key=key)  # type: ignore[arg-type]
        )
    tokens = Tokens(open_issuers(issuers, DIAL))
    return application(services(*issuers, tokens=tokens, cache=NoImages()))


@pytest.mark.parametrize("algorithm", ["HS256", *ASYMMETRIC])
def test_each_issuer_s_own_token_is_accepted(app: FastAPI, algorithm: str) -> None:
    """So that what follows is refused for what is wrong with it, and for nothing else."""
    answer = request(app, "GET", IMAGES, authorization=f"Bearer {token(algorithm)}")

    assert (answer.status, answer.json()["images"]) == (200, [])


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(app: FastAPI, forge: Callable[[], str]) -> None:
    answer = request(app, "GET", IMAGES, authorization=f"Bearer {forge()}", x_request_id="abc-1")

    assert_refused(answer)


def assert_refused(answer: Answer) -> None:
    """Always in the same words."""
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="imagejob-gateway"'
    assert answer.json() == UNAUTHENTICATED


def test_the_log_says_why_with_the_request_s_id(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "imagejob_gateway")

    request(app, "GET", IMAGES, authorization=f"Bearer {token(exp=1)}", x_request_id="abc-1")

    (record,) = caplog.records
    assert "Signature has expired" in record.message
    assert "abc-1" in str(record.__dict__)


SENT: dict[str, Callable[[], tuple[str, dict[str, str | tuple[str, ...]]]]] = {
    "in the query": lambda: (f"?access_token={token()}", {}),
    "in the query, as header": lambda: (f"?authorization=Bearer%20{token()}", {}),
    "in a cookie": lambda: ("", {"cookie": f"token={token()}"}),
    "two headers": lambda: ("", {"authorization": (f"Bearer {token()}", f"Bearer {token()}")}),
    "two headers, one of another kind": lambda: (
        "",
        {"authorization": (f"Bearer {token()}", "Basic eDp5")},
    ),
    "without a kind": lambda: ("", {"authorization": token()}),
    "as another kind": lambda: ("", {"authorization": f"DPoP {token()}"}),
    "by a proxy": lambda: ("", {"x_forwarded_authorization": f"Bearer {token()}"}),
}


@pytest.mark.parametrize("send", SENT.values(), ids=SENT)
def test_a_token_counts_only_in_its_one_header(
    app: FastAPI, send: Callable[[], tuple[str, dict[str, str | tuple[str, ...]]]]
) -> None:
    query, headers = send()

    answer = request(app, "GET", f"{IMAGES}{query}", x_request_id="abc-1", **headers)

    assert_refused(answer)


SCOPES = {
    "none": {"scope": None},
    "another": {"scope": "upload"},
    "in capitals": {"scope": "READ ALL"},
    "in a list": {"scope": ["read"]},
    "as part of a word": {"scope": "read:others reader"},
    "of several words in one": {"scope": None, "scp": ["read all"]},
    "as another claim": {"scope": None, "scopes": "read", "roles": ["all"]},
}


@pytest.mark.parametrize("scopes", SCOPES.values(), ids=SCOPES)
def test_a_token_without_the_scope_is_refused(app: FastAPI, scopes: dict[str, Any]) -> None:
    answer = request(app, "GET", IMAGES, authorization=f"Bearer {token(**scopes)}")

    assert (answer.status, answer.json()["reason"]) == (403, "MissingScope")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


class Unreachable:
    async def caller(self, token: str) -> Caller:
        raise KeysUnavailableError(token)


def test_while_no_keys_are_known_a_client_may_come_again() -> None:
    """A 401 would have it throw away a token that may be good."""
    issuer = IssuerSettings("i", "a", "/key")
    app = application(services(issuer, tokens=Unreachable()))

    answer = request(app, "GET", IMAGES, authorization=f"Bearer {token()}")

    assert (answer.status, answer.json()["reason"]) == (503, "IssuerUnavailable")
    assert int(answer.headers["retry-after"]) > 0
