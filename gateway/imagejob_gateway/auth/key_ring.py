"""The keys that one issuer's tokens are checked with, all of one algorithm.

They are read from a shared secret, a public key (PEM or JWK), or a JWK Set (RFC 7517). What
doesn't fit the algorithm is no key: a public key never serves as a secret, nor a weak one at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

SHORTEST_SECRET = 32
"""Bytes: RFC 7518, 3.2 demands as many for HS256 as the digest has."""

SMALLEST_RSA, LARGEST_RSA = 2048, 8192
"""Bits: RFC 7518, 3.3; and what a check may cost."""

MOST_KEYS = 100

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
Key: TypeAlias = bytes | PublicKey

_READERS: Mapping[str, tuple[str, type[RSAAlgorithm | ECAlgorithm | OKPAlgorithm]]] = {
    "RS256": ("RSA", RSAAlgorithm),
    "ES256": ("EC", ECAlgorithm),
    "EdDSA": ("OKP", OKPAlgorithm),
}
"""Algorithm → the type of its keys as a JWK names it, and what reads them."""


class KeyMaterialError(ValueError):
    """There is no key that can be used; the message says why."""


class KeyRing(NamedTuple):
    """Keys by their ids, and those that have none."""

    named: Mapping[str, Key]
    unnamed: tuple[Key, ...] = ()

    def find(self, key_id: str | None) -> Key | None:
        """Return the key of that id; for a token that names none, the only one that there is."""
        if key_id is not None:
            return self.named.get(key_id)
        every = (*self.named.values(), *self.unnamed)
        return every[0] if len(every) == 1 else None


class Jwk(msgspec.Struct, frozen=True):
    """A JSON Web Key, as far as it is used. `d` is there only in private keys."""

    kty: str
    kid: str | None = None
    use: str | None = None
    key_ops: tuple[str, ...] | None = None
    alg: str | None = None
    crv: str = ""
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""
    d: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class JwkSet(msgspec.Struct, frozen=True):
    """A JWK Set; one key that can't be read doesn't make the others useless."""

    keys: tuple[msgspec.Raw, ...]


def of_secret(data: bytes, key_id: str = "") -> KeyRing:
    """Return the ring of a shared secret. Raises KeyMaterialError."""
    # Secrets made with `echo` end in a newline.
    secret = data.strip()
    if len(secret) < SHORTEST_SECRET:
        raise KeyMaterialError(
            f"it has {len(secret)} bytes; HS256 needs at least {SHORTEST_SECRET}"
        )
    if secret.startswith((b"-----BEGIN", b"{")):
        raise KeyMaterialError("it is a PEM or JSON file; HS256 needs a secret that nobody knows")
    return _ring(secret, key_id or None)


def of_public_key(data: bytes, algorithm: str, key_id: str = "") -> KeyRing:
    """Return the ring of a public key in PEM, a JWK or a JWK Set. Raises KeyMaterialError."""
    text = data.strip()
    if not text.startswith(b"{"):
        return _ring(_of_pem(text, algorithm), key_id or None)
    if b'"keys"' in text:
        return of_key_set(text, algorithm)
    key, own_id = _of_jwk(text, algorithm)
    return _ring(key, key_id or own_id)


def of_key_set(data: bytes, algorithm: str) -> KeyRing:
    """Return the ring of a JWK Set's usable keys. Raises KeyMaterialError if there are none."""
    try:
        entries = msgspec.json.decode(data, type=JwkSet).keys
    except (msgspec.DecodeError, RecursionError) as error:
        raise KeyMaterialError(f"it isn't a JWK Set: {error}") from error
    named: dict[str, Key] = {}
    unnamed: list[Key] = []
    why = "it is empty"
    for entry in entries[:MOST_KEYS]:
        try:
            key, key_id = _of_jwk(bytes(entry), algorithm)
        except KeyMaterialError as error:
            why = str(error)
            continue
        if key_id is None:
            unnamed.append(key)
        else:
            named.setdefault(key_id, key)
    if not named and not unnamed:
        raise KeyMaterialError(f"the JWK Set has no key for {algorithm}: {why}")
    return KeyRing(named, tuple(unnamed))


def _ring(key: Key, key_id: str | None) -> KeyRing:
    return KeyRing({}, (key,)) if key_id is None else KeyRing({key_id: key})


def _of_pem(data: bytes, algorithm: str) -> PublicKey:
    if b"PRIVATE KEY" in data:
        raise KeyMaterialError("it is a private key; the gateway needs the public one")
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyMaterialError(f"it isn't a public key in PEM: {error}") from error
    return _fitting(key, algorithm)


def _of_jwk(data: bytes, algorithm: str) -> tuple[PublicKey, str | None]:
    try:
        jwk = msgspec.json.decode(data, type=Jwk)
    except (msgspec.DecodeError, RecursionError) as error:
        raise KeyMaterialError(f"it isn't a JWK: {error}") from error
    kind, reader = _READERS[algorithm]
    if (jwk.kty, jwk.alg or algorithm) != (kind, algorithm):
        raise KeyMaterialError(f"it is a key for another algorithm than {algorithm}")
    if jwk.d is not msgspec.UNSET:
        raise KeyMaterialError("it is a private key; the gateway needs the public one")
    if jwk.use not in (None, "sig") or "verify" not in (jwk.key_ops or ("verify",)):
        raise KeyMaterialError("it is a key for another use")
    fields = {name: getattr(jwk, name) for name in ("kty", "crv", "n", "e", "x", "y")}
    try:
        key = reader.from_jwk({name: value for name, value in fields.items() if value})
    except (jwt.PyJWTError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyMaterialError(f"it isn't a public key: {error}") from error
    return _fitting(key, algorithm), jwk.kid


def _fitting(key: object, algorithm: str) -> PublicKey:
    """Return the key if it is one for the algorithm, and strong. Raises KeyMaterialError."""
    if algorithm == "RS256" and isinstance(key, RSAPublicKey):
        if not SMALLEST_RSA <= key.key_size <= LARGEST_RSA:
            raise KeyMaterialError(
                f"it has {key.key_size} bits; {SMALLEST_RSA} to {LARGEST_RSA} can be used"
            )
        return key
    if algorithm == "ES256" and isinstance(key, EllipticCurvePublicKey):
        if isinstance(key.curve, SECP256R1):
            return key
        raise KeyMaterialError(f"it is on {key.curve.name}; ES256 needs P-256")
    if algorithm == "EdDSA" and isinstance(key, Ed25519PublicKey):
        return key
    raise KeyMaterialError(f"it is a key for another algorithm than {algorithm}")
