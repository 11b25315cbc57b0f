"""One-time tickets: what a browser's EventSource shows in place of a token. Pure functions.

A ticket is `OWNER.SECRET`, with 256 random bits. Only a digest of the secret is stored, so who can
read the state can't use it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from imagejob_gateway.problem import ProblemError, ProblemReason

from .owner import LONGEST_TICKET, OwnerState, Ticket

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = LONGEST_TICKET
MOST = 16
"""Tickets that an owner may have unused."""

SECRET_BYTES = 32

_FORM = re.compile(r"([0-9a-f]{40})\.([A-Za-z0-9_-]{43})")


class Presented(NamedTuple):
    """A ticket as a client shows it."""

    owner: str
    digest: str


def new_ticket(owner: str, random: Callable[[int], bytes]) -> str:
    """Return a ticket's text."""
    return f"{owner}.{_text(random(SECRET_BYTES))}"


def read(text: str) -> Presented | None:
    """Return whose ticket it is, and what is stored of it; None if it has another form."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    return Presented(found[1], _text(hashlib.sha256(found[2].encode()).digest()))


def issued(state: OwnerState, digest: str, image: str) -> OwnerState:
    """Record a ticket for the image with this UID. Raises ProblemError beyond the bound."""
    if digest in state.tickets:
        return state
    if len(state.tickets) >= MOST:
        first = min(each.until for each in state.tickets.values())
        raise ProblemError(
            ProblemReason.TOO_MANY_STREAMS,
            f"You have {MOST} unused tickets.",
            wait=state.seconds_until(first),
        )
    ticket = Ticket(image, state.as_of + SECONDS * 1000)
    return msgspec.structs.replace(state, tickets={**state.tickets, digest: ticket})


def redeemed(state: OwnerState, digest: str) -> tuple[OwnerState, str | None]:
    """Use a ticket up, and return the UID of its image; None if there is no such ticket."""
    ticket = state.tickets.get(digest)
    if ticket is None:
        return state, None
    left = {other: each for other, each in state.tickets.items() if other != digest}
    image = ticket.image if state.as_of < ticket.until else None
    return msgspec.structs.replace(state, tickets=left), image


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
