"""Who may follow an image's events: who has a token, or a ticket that such a one got."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials

from imagejob_gateway.auth.caller import Caller, Scope
from imagejob_gateway.images.kinds import Image
from imagejob_gateway.state import tickets
from imagejob_gateway.state.owner import OwnerState

from .middleware import request_id
from .owned import Name, missing, own_image
from .query import check_query
from .security import authorized, bearer, unauthenticated
from .services import Have, Services

Ticket = Annotated[
    str | None,
    Query(max_length=128, description="In place of a token: EventSource can't send a header."),
]


class Watcher(NamedTuple):
    """On whose behalf an image is followed."""

    owner: str
    image: Image


async def _watcher(
    services: Have,
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    name: Name,
    ticket: Ticket = None,
) -> Watcher:
    if credentials is None and ticket is not None:
        check_query(request)
        return await _by_ticket(services, request_id(request.scope), ticket, name)
    caller = await authorized(services, request, credentials, Scope.READ)
    return Watcher(caller.owner, await own_image(services, caller, name))


Watching = Annotated[Watcher, Depends(_watcher)]
"""The parameter of a route that needs one. It raises ProblemError."""


async def issue_ticket(services: Services, caller: Caller, image: Image) -> str:
    """Return a new ticket for the events of an image. Raises ProblemError."""
    text = tickets.new_ticket(caller.owner, services.random)
    presented = tickets.read(text)
    assert presented  # noqa: S101 (it has just been made)

    def issued(state: OwnerState, _: int) -> tuple[OwnerState, None]:
        return tickets.issued(state, presented.digest, image.metadata.uid), None

    await services.state.change(caller.owner, issued)
    return text


async def _by_ticket(services: Services, request: str, text: str, name: str) -> Watcher:
    presented = tickets.read(text)
    if presented is None:
        raise unauthenticated(request, "the ticket has another form")
    uid = await services.state.change(
        presented.owner, lambda state, _: tickets.redeemed(state, presented.digest)
    )
    if uid is None:
        raise unauthenticated(request, "the ticket isn't known, or not any more")
    image = await services.images.read(name)
    if image is None or image.metadata.uid != uid:
        raise missing(name)
    return Watcher(presented.owner, image)
