"""Slot tokens, and who holds a slot."""

from __future__ import annotations

import pytest
from imagejob_gateway.slots.tokens import PREFIX, SlotToken, new_token, parse

OWNER = "0123456789abcdef0123456789abcdef01234567"


def test_a_token_is_read_as_it_was_made() -> None:
    token = new_token(OWNER, lambda count: b"\xfe" * count)

    assert parse(token.text) == token
    assert token.text.startswith(PREFIX)
    assert len(token.secret) * 8 >= 128


def test_what_is_stored_is_no_token() -> None:
    one, other = SlotToken(OWNER, b"a" * 16), SlotToken(OWNER, b"b" * 16)

    assert one.digest != other.digest
    assert one.digest not in one.text


TEXT = SlotToken(OWNER, bytes(16)).text
OTHERS = {
    "a JWT": "eyJhbGciOiJIUzI1NiJ9.e30.x",
    "nothing": "",
    "the prefix": PREFIX,
    "shorter": TEXT[:-4],
    "longer": TEXT + "AAAA",
    "no base64": TEXT[:-1] + "!",
    "another alphabet": TEXT[:-1] + "+",
    "a letter beyond ASCII": TEXT[:-1] + "é",
    "a line": TEXT + "\n",
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_anything_else_is_none(text: str) -> None:
    assert parse(text) is None
