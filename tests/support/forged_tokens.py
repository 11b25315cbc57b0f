"""Tokens of four issuers, one of each algorithm, and forged ones, which a gateway must refuse."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import rsa
from imagejob_gateway.auth.tokens import LEEWAY_SECONDS

from support.gateway import AUDIENCE, claims
from support.signed import compact, encoded, jwk, pem, private_key

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = b"a secret of more than thirty-two bytes"

UNAUTHENTICATED = {
    "type": "urn:imagejob:problem:Unauthenticated",
    "title": "A valid token is required",
    "status": 401,
    "detail": "The request needs a valid bearer token.",
    "reason": "Unauthenticated",
    "requestId": "abc-1",
    "header": "Authorization",
}
"""The problem of every request of the id `abc-1` without a valid token, whatever is wrong."""


def issuer(algorithm: str) -> str:
    return f"https://{algorithm.lower()}.example"


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
