"""Answers of S3 servers that aren't what HTTP or S3 says, and what the worker says of each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any


def raw(text: bytes, again: bytes = b"", pause: float = 0.0) -> Callable[[Any], None]:
    """Send this text, then the rest endlessly; only the text if there is no rest."""

    def do(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        request.wfile.write(text)
        gone = threading.Event()
        try:
            while again and not gone.wait(pause):
                request.wfile.write(again)
        except OSError:
            gone.set()

    return do


OK = b"HTTP/1.1 200 OK\r\n"
HEADS = {
    "a head without end": (raw(OK, b"x-a: b\r\n" * 1000), "no end"),
    "a header without end": (raw(OK, b"x" * 65536), "no end"),
    "a head that drips": (raw(OK, b"x", 0.02), "in time|time was used up"),
    "will come, for ever": (raw(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99), "no end"),
    "will come, slowly": (
        raw(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02), "in time|time was used up",
    ),
    "no HTTP": (raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "isn't HTTP"),
    "a TLS alert": (raw(b"\x15\x03\x01\x00\x02\x02\x46"), "speaks TLS"),
    "Go's answer to plain HTTP": (
        raw(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"),
        "speaks TLS",
    ),
    "nothing": (raw(b""), "cut"),
    "a negative length": (raw(OK + b"Content-Length: -5\r\n\r\n"), "length"),
    "two lengths": (raw(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), "isn't HTTP"),
    "a header that is none": (raw(OK + b"what\r\n\r\n"), "isn't HTTP"),
    "a redirect": (raw(b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\n\r\n"), "redirects"),
}  # fmt: skip
OBJECTS = {
    "no length": (raw(OK + b"\r\n", b"x" * 65536), "how long"),
    "a short object": (raw(OK + b"Content-Length: 9\r\n\r\nabc"), "cut"),
    "chunks without a length": (raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "chunked"),
    "chunks without an end": (
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + bytes(1024) + b"\r\n"),
        "the limit is",
    ),
    "a chunk's endless length": (
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536), "no end",
    ),
    "trailers without an end": (
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 1000), "no end",
    ),
    "a chunk shorter than it says": (
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc"), "cut",
    ),
    "a chunk longer than it says": (
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"), "chunked",
    ),
    "a chunk of a negative length": (
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n"), "chunked",
    ),
    "a length and chunks": (
        raw(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        "isn't HTTP",
    ),
    "a length that no number holds": (
        raw(OK + b"Content-Length: 99999999999999999999999\r\n\r\n"), "the limit is",
    ),
    "a length with a sign": (raw(OK + b"Content-Length: +3\r\n\r\nabc"), "length"),
    "a length with an underscore": (raw(OK + b"Content-Length: 1_0\r\n\r\nabcdefghij"), "length"),
    "a part of it": (raw(b"HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx"), "answers 206"),
    "too much": (raw(OK + b"Content-Length: 99999999\r\n\r\n"), "the limit is"),
}  # fmt: skip
