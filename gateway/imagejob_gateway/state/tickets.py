"""One-time tickets: what a browser's EventSource shows in place of a token. Pure functions.

Only a digest of a ticket's secret is stored, so who can read the state can't use it.
"""

from __future__ import annotations

import msgspec

from imagejob_gateway.problem import ProblemError, ProblemReason

from .owner import LONGEST_TICKET, OwnerState, Ticket

SECONDS = LONGEST_TICKET
MOST = 16
"""Tickets that an owner may have unused."""


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
