"""What is a key for an algorithm, and what isn't."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from imagejob_gateway.auth.key_ring import (
    MOST_KEYS,
    KeyMaterialError,
    of_key_set,
    of_public_key,
    of_secret,
)
from jwt.algorithms import RSAAlgorithm
from support.signed import ASYMMETRIC, READERS, jwk, key_set, pem, private_key


def test_a_secret_has_no_line_break_at_its_end() -> None:
    assert of_secret(b"k" * 32 + b"\n").find(None) == b"k" * 32


SECRETS = {
    "short": (b"k" * 31 + b"\n", "31 bytes"),
    "empty": (b"", "0 bytes"),
    "a public key in PEM": (pem(private_key("RS256").public_key()), "PEM"),
    "a public key as JWK": (json.dumps(jwk("RS256")).encode(), "JSON"),
}


@pytest.mark.parametrize(("data", "why"), SECRETS.values(), ids=SECRETS)
def test_no_secret_is(data: bytes, why: str) -> None:
    with pytest.raises(KeyMaterialError, match=why):
        of_secret(data)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_public_key_may_be_written_in_three_ways(algorithm: str) -> None:
    public = private_key(algorithm).public_key()
    own = jwk(algorithm)

    in_pem = of_public_key(b"\n" + pem(public), algorithm)
    as_jwk = of_public_key(json.dumps(own).encode(), algorithm)
    in_set = of_public_key(key_set(own), algorithm)

    assert in_pem.find(None) == as_jwk.find("one") == in_set.find("one") == public


def test_a_key_is_found_by_its_id_only() -> None:
    ring = of_key_set(key_set(jwk("ES256"), jwk("ES256", "two")), "ES256")

    assert ring.find("two") == private_key("ES256", "two").public_key()
    assert ring.find("three") is None
    assert ring.find(None) is None  # it could be either


def test_a_key_without_id_is_for_tokens_without() -> None:
    ring = of_public_key(pem(private_key("ES256").public_key()), "ES256")
    named = of_public_key(pem(private_key("ES256").public_key()), "ES256", "one")

    assert ring.find("one") is None
    assert named.find("one") == named.find(None) == ring.find(None)


def small() -> bytes:
    return pem(rsa.generate_private_key(65537, 1024).public_key())  # noqa: S505 (on purpose)


def private(algorithm: str) -> bytes:
    return private_key(algorithm).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[no-any-return]


def whole_jwk() -> dict[str, Any]:
    return RSAAlgorithm.to_jwk(private_key("RS256"), as_dict=True)


UNFIT = {
    "small": ("RS256", small()),
    "of another algorithm, in PEM": ("RS256", pem(private_key("ES256").public_key())),
    "of another algorithm": ("ES256", json.dumps(jwk("EdDSA")).encode()),
    "of another curve": ("ES256", pem(ec.generate_private_key(ec.SECP384R1()).public_key())),
    "private": ("RS256", private("RS256")),
    "private, as JWK": ("RS256", json.dumps(whole_jwk()).encode()),
    "for encryption": ("RS256", json.dumps(jwk("RS256", use="enc")).encode()),
    "for signing": ("RS256", json.dumps(jwk("RS256", key_ops=["sign"])).encode()),
    "for another algorithm of its type": ("RS256", json.dumps(jwk("RS256", alg="PS256")).encode()),
    "with the exponent 1": ("RS256", json.dumps(jwk("RS256", e="AQ")).encode()),
    "beside the curve": ("ES256", json.dumps(jwk("ES256", x="AQ")).encode()),
    "without a number": ("RS256", json.dumps(jwk("RS256", n=None)).encode()),
    "with a number for text": ("RS256", json.dumps(jwk("RS256", n=65537)).encode()),
    "symmetric": ("RS256", b'{"kty": "oct", "k": "c2VjcmV0"}'),
    "in broken PEM": ("RS256", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"),
    "nested without end": ("RS256", b'{"kty": ' + b"[" * 100_000),
    "nothing": ("RS256", b""),
}


@pytest.mark.parametrize(("algorithm", "data"), UNFIT.values(), ids=UNFIT)
def test_an_unfit_key_is_none(algorithm: str, data: bytes) -> None:
    with pytest.raises(KeyMaterialError):
        of_public_key(data, algorithm)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_of_a_set_only_what_fits_is_taken(algorithm: str) -> None:
    own = jwk(algorithm, "good", use="sig", key_ops=["verify"], alg=algorithm)
    rest = [jwk(other, other) for other in READERS if other != algorithm]
    broken = [{"kty": 1}, {}, {"kty": "oct", "kid": "oct", "k": "c2VjcmV0"}]

    ring = of_key_set(key_set(*rest, *broken, own), algorithm)

    assert ring.named.keys() == {"good"}
    assert not ring.unnamed


SETS = {
    "no JSON": b"<html>",
    "no set": b"[]",
    "no keys": b"{}",
    "an empty set": key_set(),
    "a set without a fit key": key_set(jwk("ES256"), {"kty": "oct"}),
    "nested without end": b'{"keys": [' + b"[" * 100_000,
}


@pytest.mark.parametrize("document", SETS.values(), ids=SETS)
def test_what_is_no_set_has_no_keys(document: bytes) -> None:
    with pytest.raises(KeyMaterialError):
        of_key_set(document, "RS256")


def test_of_a_long_set_a_part_is_read() -> None:
    keys = [jwk("EdDSA", kid=f"{at}") for at in range(MOST_KEYS + 1)]

    assert len(of_key_set(key_set(*keys), "EdDSA").named) == MOST_KEYS
