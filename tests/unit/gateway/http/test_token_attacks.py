"""Attacks with tokens: every one is refused, in words that don't tell how far it got."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from imagejob_gateway.auth.key_set_cache import KeysUnavailableError
from imagejob_gateway.auth.tokens import LEEWAY_SECONDS, Tokens, open_issuers
from imagejob_gateway.config import IssuerSettings
from imagejob_gateway.http.app import application
from support.asgi import request
from support.gateway import AUDIENCE, claims
from support.gateway_services import services
from support.signed import ASYMMETRIC, compact, encoded, jwk, pem, private_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI
    from imagejob_gateway.auth.caller import Caller

SECRET = b"a secret of more than thirty-two bytes"
IMAGES = "/api/v1/images"


def issuer(algorithm: str) -> str:
    return f"https://{algorithm.lower()}.example"


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
    tokens = Tokens(open_issuers(issuers))
    return application(services(*issuers, tokens=tokens, cache=NoImages()))


def given(algorithm: str = "HS256", **changes: Any) -> dict[str, Any]:
    return claims(**{"iss": issuer(algorithm), **changes})


def token(
    algorithm: str = "HS256", header: dict[str, Any] | None = None, key: Any = None, **changes: Any
) -> str:
    """A token of one of the four issuers, signed with its key unless another is given.

    A change of the header to None leaves a member out.
    """
    own = SECRET if algorithm == "HS256" else private_key(algorithm)
    names = {"kid": "one"} if algorithm != "HS256" else {}
    members = {"alg": algorithm, "typ": "JWT", **names, **(header or {})}
    shown = {name: value for name, value in members.items() if value is not None}
    return compact(shown, given(algorithm, **changes), key or own, algorithm)


@pytest.mark.parametrize("algorithm", ["HS256", *ASYMMETRIC])
def test_each_issuer_s_own_token_is_accepted(app: FastAPI, algorithm: str) -> None:
    """So that what follows is refused for what is wrong with it, and for nothing else."""
    answer = request(app, "GET", IMAGES, authorization=f"Bearer {token(algorithm)}")

    assert (answer.status, answer.json()["images"]) == (200, [])


def now(seconds: float) -> int:
    return int(time.time() + seconds)


def public_pem(algorithm: str) -> bytes:
    return pem(private_key(algorithm).public_key())


def confused(key: bytes) -> str:
    """Signed by HMAC with what everybody knows, for the issuer whose public key it is."""
    signed = ".".join(
        encoded(json.dumps(part).encode())
        for part in ({"alg": "HS256", "typ": "JWT", "kid": "one"}, given("RS256"))
    )
    return f"{signed}.{encoded(hmac.digest(key, signed.encode(), 'sha256'))}"


def without_signature(algorithm: str) -> str:
    header = {"alg": algorithm, "typ": "JWT"}
    return compact(header, given(), None, "none")


def self_signed(algorithm: str = "RS256", **header: Any) -> str:
    """With a key of the attacker's own, which the header brings along or points to."""
    return token(algorithm, header, private_key(algorithm, "attacker"))


def twice(name: str, first: object, second: object) -> str:
    rest = json.dumps(given(**{name: None}))[1:]
    text = f'{{"{name}": {json.dumps(first)}, "{name}": {json.dumps(second)}, {rest}'
    return compact({"alg": "HS256", "typ": "JWT"}, text, SECRET, "HS256")


def raw_claims(**texts: str) -> str:
    """Claims whose JSON is as given."""
    rest = json.dumps(given(**dict.fromkeys(texts)))[1:]
    members = "".join(f'"{name}": {text}, ' for name, text in texts.items())
    return compact({"alg": "HS256"}, f"{{{members}{rest}", SECRET, "HS256")


def with_signature(text: str, signature: bytes) -> str:
    return f"{text.rpartition('.')[0]}.{encoded(signature)}"


def small_rsa() -> str:
    return token("RS256", key=rsa.generate_private_key(65537, 1024))  # noqa: S505 (on purpose)


def padded(text: str) -> str:
    return ".".join(f"{part}{'=' * (-len(part) % 4)}" for part in text.split("."))


ATTACKER = jwk("RS256", "attacker")
EVIL = "https://attacker.example/keys.json"
PATHS = {
    "a path": "../../../../dev/null",
    "a URL": "http://169.254.169.254/",
    "a query": "one' UNION SELECT 'a secret'; --",
    "a command": "one; cat /etc/passwd |",
    "a NUL": "one\0",
    "an empty text": "",
    "a number": 1,
    "a list": ["one"],
    "an object": {"one": 1},
    "very long": "x" * 5000,
    "of no key": "two",
}

FORGED: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "rubbish": lambda: "rubbish",
    **{
        f"alg {name}, unsigned": lambda name=name: without_signature(name)
        for name in ("none", "None", "NONE", "nOnE", "HS256", "")
    },
    "alg none, signed": lambda: token(header={"alg": "none"}),
    "alg a list": lambda: token(header={"alg": ["HS256"]}),
    "alg missing": lambda: token(header={"alg": None}),
    "alg stronger than the issuer's": lambda: compact(
        {"alg": "HS512"}, given(), SECRET * 2, "HS512"
    ),
    "alg of another issuer": lambda: compact(
        {"alg": "RS256", "kid": "one"}, given("ES256"), private_key("RS256"), "RS256"
    ),
    "HMAC with the public key in PEM": lambda: confused(public_pem("RS256")),
    "HMAC with the public key in PEM, stripped": lambda: confused(public_pem("RS256").strip()),
    "HMAC with the public key as JWK": lambda: confused(json.dumps(jwk("RS256")).encode()),
    "HMAC with nothing": lambda: confused(b""),
    "another secret": lambda: token(key=b"x" * 32),
    "another private key": self_signed,
    "its key in the header": lambda: self_signed(jwk=ATTACKER),
    "its key in the header, without kid": lambda: self_signed(jwk=ATTACKER, kid=None),
    "its key at jku": lambda: self_signed(jku=EVIL),
    "its certificate at x5u": lambda: self_signed(x5u=EVIL),
    "its certificate in x5c": lambda: self_signed(x5c=["MIIB"]),
    "a critical extension": lambda: token(header={"crit": ["exp"], "exp": now(60)}),
    "no critical extension": lambda: token(header={"crit": []}),
    "an unencoded payload": lambda: token(header={"crit": ["b64"], "b64": False}),
    "typ of a logout": lambda: token(header={"typ": "logout+jwt"}),
    "typ no text": lambda: token(header={"typ": ["JWT"]}),
    **{
        f"kid {name}, RS256": lambda kid=kid: token("RS256", {"kid": kid})
        for name, kid in PATHS.items()
    },
    "kid a path, HS256": lambda: token(header={"kid": "../../../../dev/null"}),
    "kid a path, HS256 with nothing": lambda: token(header={"kid": "/dev/null"}, key=b"\0" * 32),
    "kid null": lambda: compact(
        '{"alg": "RS256", "kid": null}', given("RS256"), private_key("RS256"), "RS256"
    ),
    "no issuer": lambda: token(iss=None),
    "another issuer": lambda: token(iss="https://attacker.example"),
    "the issuer in a list": lambda: token(iss=[issuer("HS256")]),
    "the issuer of another key": lambda: token(iss=issuer("RS256")),
    "no audience": lambda: token(aud=None),
    "another gateway's token": lambda: token(aud="another-gateway"),
    "an audience that begins like ours": lambda: token(aud=f"{AUDIENCE}-2"),
    "no subject": lambda: token(sub=None),
    "an empty subject": lambda: token(sub=""),
    "a subject that is no text": lambda: token(sub=1),
    "a subject of two lines": lambda: token(sub="alice\nroot"),
    "a subject that turns what follows": lambda: token(sub="alice\u202e"),
    "a subject that is no Unicode": lambda: raw_claims(sub='"\\ud800"'),
    "a subject that is too long": lambda: token(sub="a" * 256),
    "no end": lambda: token(exp=None),
    "expired by 31 s": lambda: token(exp=now(-LEEWAY_SECONDS - 1)),
    "an end that is text": lambda: token(exp=str(now(60))),
    "an end that is true": lambda: token(exp=True),
    "an end without end": lambda: raw_claims(exp="1e999"),
    "an end that is Infinity": lambda: raw_claims(exp="Infinity"),
    "no begin": lambda: token(iat=None),
    "issued in the future": lambda: token(iat=now(LEEWAY_SECONDS + 10)),
    "not yet": lambda: token(nbf=now(LEEWAY_SECONDS + 10)),
    "not yet, as text": lambda: token(nbf="soon"),
    "a claim twice": lambda: twice("sub", "alice", "root"),
    "an algorithm twice": lambda: compact(
        '{"alg": "none", "alg": "HS256"}', given(), SECRET, "HS256"
    ),
    "claims that are a list": lambda: compact({"alg": "HS256"}, [given()], SECRET, "HS256"),
    "claims that are nested without end": lambda: compact(
        {"alg": "HS256"}, "[" * 5000, SECRET, "HS256"
    ),
    "claims that are no Unicode": lambda: (
        f"{encoded(b'{}')}.{encoded(bytes([0xFF, 0xFE]))}.{encoded(b'x')}"
    ),
    "huge": lambda: token(padding="x" * 20_000),
    "ES256 with r and s 0": lambda: with_signature(token("ES256"), bytes(64)),
    "ES256 in DER": lambda: with_signature(token("ES256"), b"\x30\x06\x02\x01\x00\x02\x01\x00"),
    "an RSA key that is too small": small_rsa,
    "a changed signature": lambda: with_signature(token(), b"x" * 32),
    "no signature": lambda: with_signature(token("ES256"), b""),
    "padded": lambda: padded(token(sub="alice-")),
    "a line break": lambda: token().replace(".", ".\n", 1),
    "a space": lambda: token().replace(".", " .", 1),
    "in the other base64": lambda: base64.b64encode(token().encode()).decode(),
    "four parts": lambda: f"{token()}.x",
    "encrypted": lambda: "e30.e30.e30.e30.e30",
    "two tokens": lambda: f"{token()},{token()}",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(app: FastAPI, forge: Callable[[], str]) -> None:
    answer = request(app, "GET", IMAGES, authorization=f"Bearer {forge()}", x_request_id="abc-1")

    assert_refused(answer)


def assert_refused(answer: Any) -> None:
    """Always in the same words."""
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="imagejob-gateway"'
    assert answer.json() == {
        "type": "urn:imagejob:problem:Unauthenticated",
        "title": "A valid token is required",
        "status": 401,
        "detail": "The request needs a valid bearer token.",
        "reason": "Unauthenticated",
        "requestId": "abc-1",
        "header": "Authorization",
    }


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
