"""The gateway's own tokens: what isn't sealed by its key, for this use, is none."""

from __future__ import annotations

import base64

import pytest
from imagejob_gateway.auth.sealed import Kind, SealedToken, is_of, read, write

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
OWNER = "0123456789abcdef0123456789abcdef01234567"
TOKEN = SealedToken(Kind.SLOT, OWNER, 1_796_000_000, b"s" * 16)
TEXT = write(TOKEN, "id", KEY)


def test_a_token_is_read_as_it_was_made() -> None:
    assert read(TEXT, Kind.SLOT, "id", KEY) == TOKEN
    assert is_of(Kind.SLOT, TEXT)
    assert len(TOKEN.secret) * 8 >= 128


def test_what_is_stored_is_no_token() -> None:
    other = TOKEN._replace(secret=b"t" * 16)

    assert TOKEN.digest != other.digest
    assert TOKEN.digest not in TEXT


def flipped(at: int) -> str:
    """The token with another bit in one of its bytes."""
    data = bytearray(base64.urlsafe_b64decode(TEXT.removeprefix("slot-")))
    data[at] ^= 1
    return "slot-" + base64.urlsafe_b64encode(data).decode()


FORGED = {
    "a JWT": "eyJhbGciOiJIUzI1NiJ9.e30.x",
    "nothing": "",
    "the prefix": "slot-",
    "no prefix": TEXT.removeprefix("slot-"),
    "another key": write(TOKEN, "id", OTHER_KEY),
    "of something else": write(TOKEN, "other", KEY),
    "of a part of it": write(TOKEN, "i", KEY),
    "of another kind": write(TOKEN._replace(kind=Kind.TICKET), "id", KEY),
    "another owner": flipped(0),
    "another end": flipped(24),
    "another secret": flipped(40),
    "another seal": flipped(56),
    "shorter": TEXT[:-4],
    "longer": TEXT + "AAAA",
    "no base64": TEXT[:-1] + "!",
    "padded": TEXT + "====",
    "another letter between": TEXT[:9] + "*" + TEXT[9:],
    "a letter beyond ASCII": TEXT[:-1] + "é",
    "a line": TEXT + "\n",
}


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED)
def test_anything_else_is_none(text: str) -> None:
    assert read(text, Kind.SLOT, "id", KEY) is None


def test_a_ticket_is_no_slot_s_token() -> None:
    ticket = write(TOKEN._replace(kind=Kind.TICKET), "id", KEY)

    assert read("slot-" + ticket.removeprefix("ticket-"), Kind.SLOT, "id", KEY) is None
