"""Splits JSON one level deep, however deep it nests.

msgspec decodes recursively, and gives up on a text that nests deeper than Python's stack allows. An
API server takes ten thousand levels, and one such object must not make the rest of its page
unreadable.
"""

from __future__ import annotations

import re

import msgspec

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)


def elements(text: bytes) -> list[bytes]:
    """Return the values of a JSON array; none of any other text."""
    return _parts(text) if text.lstrip()[:1] == b"[" else []


def members(text: bytes) -> dict[str, bytes]:
    """Return the values of a JSON object by their keys; none of any other text."""
    parts = _parts(text) if text.lstrip()[:1] == b"{" else []
    found = {}
    for part in parts:
        key = _TOKEN.match(part)
        if key and key[0][:1] == b'"':
            found[_decoded(key[0])] = part[key.end() :].lstrip()[1:].strip()
    return found


def text_of(value: bytes | None) -> str:
    """Return the string that a JSON value is; "" for any other value."""
    return _decoded(value) if value and value[:1] == b'"' else ""


def _parts(text: bytes) -> list[bytes]:
    """Return what the commas of the outermost array or object separate."""
    depth, begin, found = 0, 0, []
    for token in _TOKEN.finditer(text):
        match token[0]:
            case b"[" | b"{":
                depth += 1
                begin = token.end() if depth == 1 else begin
            case b"]" | b"}":
                depth -= 1
                if depth == 0:
                    found.append(text[begin : token.start()].strip())
                    break
            case b"," if depth == 1:
                found.append(text[begin : token.start()].strip())
                begin = token.end()
    return [part for part in found if part]


def _decoded(literal: bytes) -> str:
    try:
        return msgspec.json.decode(literal, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
