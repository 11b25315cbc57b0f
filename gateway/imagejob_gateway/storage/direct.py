"""Requests by which clients put an object into the store themselves.

Type and length are signed, and the digests that the client has declared: the store refuses a body
that differs. R2 and B2 take no forms.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from imagejob_gateway.config import DirectSettings

    from .signer import Signer


class Announced(NamedTuple):
    """What a client says of an object before it is there. Digests are in hex, "" if not given."""

    content_type: str
    length: int
    sha256: str = ""
    md5: str = ""


class Direct(NamedTuple):
    """A request for a client to send: with these headers, or as a form with these fields."""

    method: Literal["PUT", "POST"]
    url: str
    headers: Mapping[str, str]
    fields: Mapping[str, str]


def direct(
    sign: Signer, settings: DirectSettings, key: str, announced: Announced, seconds: int
) -> Direct:
    """Return the request that puts exactly this object under exactly this key."""
    if settings.method == "POST":
        form = sign.form(key, seconds, announced.length, _fields(settings, announced))
        return Direct("POST", form.url, {}, form.fields)
    request = sign("put_object", seconds, Key=key, **_parameters(settings, announced))
    return Direct("PUT", request.url, request.headers, {})


def _parameters(settings: DirectSettings, announced: Announced) -> dict[str, str | int]:
    parameters: dict[str, str | int] = {
        "ContentType": announced.content_type,
        "ContentLength": announced.length,
    }
    if settings.conditional:
        parameters["IfNoneMatch"] = "*"
    if settings.checksums and announced.sha256:
        parameters["ChecksumSHA256"] = _base64(announced.sha256)
    if announced.md5:
        parameters["ContentMD5"] = _base64(announced.md5)
    return parameters


def _fields(settings: DirectSettings, announced: Announced) -> dict[str, str]:
    fields = {"Content-Type": announced.content_type}
    if settings.checksums and announced.sha256:
        fields["x-amz-checksum-sha256"] = _base64(announced.sha256)
    if announced.md5:
        fields["Content-MD5"] = _base64(announced.md5)
    return fields


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()
