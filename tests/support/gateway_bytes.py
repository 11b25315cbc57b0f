"""Requests to the gateway that no client library sends, each with the problem that it gets."""

from __future__ import annotations

from typing import NamedTuple

from support.gateway_scenarios import JPEG

HEAD_BYTES = 32 * 1024


class Raw(NamedTuple):
    """Bytes for a socket. TOKEN and NAME in it are replaced."""

    status: int
    reason: str
    data: bytes
    names: str = ""


def posted(*lines: bytes, body: bytes = JPEG) -> bytes:
    head = [b"POST /api/v1/images/upload HTTP/1.1", b"Host: a", b"Authorization: Bearer TOKEN"]
    return b"\r\n".join([*head, b"Content-Type: image/jpeg", *lines, b"", b""]) + body


LENGTH = b"Content-Length: %d" % len(JPEG)
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(JPEG), JPEG)
RAW = {
    "no HTTP": Raw(400, "InvalidRequest", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"),
    "an unknown method": Raw(400, "InvalidRequest", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a tunnel": Raw(400, "InvalidRequest", b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a NUL in a header": Raw(400, "InvalidRequest", b"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n"),
    "headers that are too large": Raw(
        431, "HeadersTooLarge", b"GET / HTTP/1.1\r\nA: %b\r\n\r\n" % (b"x" * HEAD_BYTES)
    ),
    "a path that is too long": Raw(
        431, "HeadersTooLarge", b"GET /%b HTTP/1.1\r\n\r\n" % (b"x" * HEAD_BYTES)
    ),
    "no length": Raw(411, "LengthRequired", posted(body=b""), "Content-Length"),
    "chunks": Raw(
        411, "LengthRequired", posted(b"Transfer-Encoding: chunked", body=CHUNKED), "Content-Length"
    ),
    "a length and chunks": Raw(
        400, "InvalidRequest", posted(LENGTH, b"Transfer-Encoding: chunked", body=CHUNKED)
    ),
    "two lengths": Raw(400, "InvalidRequest", posted(LENGTH, b"Content-Length: 1")),
    "a negative length": Raw(400, "InvalidRequest", posted(b"Content-Length: -1")),
    "an absurd length, before its first byte": Raw(
        413, "TooLarge", posted(b"Content-Length: 9999999999999", body=b""), "Content-Length"
    ),
    "a length that waits for a go-ahead": Raw(
        413, "TooLarge", posted(b"Content-Length: 999999", b"Expect: 100-continue", body=b"")
    ),
    "a token that is too long": Raw(
        401,
        "Unauthenticated",
        b"GET /api/v1/images HTTP/1.1\r\nAuthorization: Bearer %b\r\n\r\n" % (b"x" * 20_000),
    ),
}
