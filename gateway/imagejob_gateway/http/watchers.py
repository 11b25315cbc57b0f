"""Who may follow an image's events: who has a token, or a ticket that such a one got."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials

from imagejob_gateway.auth.caller import Caller, Scope
from imagejob_gateway.auth.sealed import Kind
from imagejob_gateway.images.kinds import Image
from imagejob_gateway.problem import UnauthenticatedError
from imagejob_gateway.state import tickets
from imagejob_gateway.state.owner import OwnerState

from .owned import missing, own_image
from .query import check_query
from .security import authorized, bearer
from .services import Have, Services

Ticket = Annotated[
    str | None,
    Query(description="In place of a token: EventSource can't send a header."),
]


class TicketHolder(NamedTuple):
    """Who has shown a ticket, which is used up: for the events of the image with this UID."""

    owner: str
    image: str


Watcher = Caller | TicketHolder


async def _watcher(
    services: Have,
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ticket: Ticket = None,
) -> Watcher:
    if credentials is None and ticket is not None:
        return await _by_ticket(services, request, ticket)
    return await authorized(services, request, credentials, Scope.READ)


Watching = Annotated[Watcher, Depends(_watcher)]
"""The parameter of a route that needs one. It raises ProblemError."""


async def watched_image(services: Services, watcher: Watcher, name: str) -> Image:
    """Return the image, if the watcher may follow it. Raises ProblemError."""
    if isinstance(watcher, Caller):
        return await own_image(services, watcher, name)
    image = await services.images.read(name)
    if image is None or image.metadata.uid != watcher.image:
        raise missing(name)
    return image


async def issue_ticket(services: Services, caller: Caller, image: Image) -> str:
    """Return a new ticket for the events of an image. Raises ProblemError."""
    new = await services.seals.make(Kind.TICKET, caller.owner, tickets.SECONDS)

    def issued(state: OwnerState, _: int) -> tuple[OwnerState, None]:
        return tickets.issued(state, new.digest, image.metadata.uid), None

    await services.state.change(caller.owner, issued)
    return new.text


async def _by_ticket(services: Services, request: Request, text: str) -> TicketHolder:
    token = await services.seals.read(text, Kind.TICKET)
    if token is None:
        raise UnauthenticatedError("the ticket is forged, too old, or was used here")
    check_query(request)
    uid = await services.state.change(
        token.owner, lambda state, _: tickets.redeemed(state, token.digest)
    )
    services.seals.spend(token)
    if uid is None:
        raise UnauthenticatedError("the ticket isn't known any more")
    return TicketHolder(token.owner, uid)
