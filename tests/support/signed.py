"""Keys of issuers, and what is signed with them, also as no library would sign it."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

ASYMMETRIC = ("RS256", "ES256", "EdDSA")
READERS = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


def private_key(algorithm: str, name: str = "one") -> Any:
    """A key of the algorithm; another one of another `name`."""
    return _made(algorithm, name)


@cache
def _made(algorithm: str, name: str) -> Any:  # noqa: ARG001 (the cache tells names apart)
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def pem(public: PublicKeyTypes) -> bytes:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(algorithm: str, name: str = "one", **changes: Any) -> dict[str, Any]:
    """The public key as a JWK with its name as `kid`; a change to None leaves a member out."""
    public = private_key(algorithm, name).public_key()
    members = {**READERS[algorithm].to_jwk(public, as_dict=True), "kid": name, **changes}
    return {member: value for member, value in members.items() if value is not None}


def key_set(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def compact(header: Any, claims: Any, key: Any, algorithm: str) -> str:
    """A token whose header and claims are as given, objects or text that is no JSON.

    `algorithm` signs, whatever the header says; "none" leaves the signature empty.
    """
    parts = [each if isinstance(each, str) else json.dumps(each) for each in (header, claims)]
    signed = ".".join(encoded(part.encode()) for part in parts)
    if algorithm == "none":
        return f"{signed}."
    method = get_default_algorithms()[algorithm]
    signature = method.sign(signed.encode(), method.prepare_key(key))
    return f"{signed}.{encoded(signature)}"
