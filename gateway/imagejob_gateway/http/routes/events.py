"""An image's states as they come, as server-sent events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import Response

from imagejob_gateway.http import event_stream, views
from imagejob_gateway.http.event_stream import EventStream
from imagejob_gateway.http.models import TicketModel
from imagejob_gateway.http.owned import Name, own_image
from imagejob_gateway.http.problems import documented
from imagejob_gateway.http.security import Reader
from imagejob_gateway.http.services import Have
from imagejob_gateway.http.watchers import Watching, issue_ticket, watched_image
from imagejob_gateway.images.following import follow
from imagejob_gateway.problem import ProblemReason
from imagejob_gateway.state import tickets

from .images import OF_ONE

router = APIRouter(prefix=views.IMAGES, tags=["images"])

KEEP_ALIVE_SECONDS = 15.0
"""Proxies close connections on which nothing is said for a minute."""

LastEventId = Annotated[
    str | None, Header(max_length=64, description="The `id` of the last event that is known.")
]
EVENT = {
    "type": "object",
    "properties": {each: {"type": "string"} for each in ("id", "event", "data")},
    "required": ["event", "data"],
}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "Events `image`, one for each state, and `end`, after which the stream ends: "
            "`Finished`, `Deleted`, or `Closing` if there may be more later."
        ),
        "content": {event_stream.MEDIA_TYPE: {"schema": EVENT}},
    }
}


@router.get(
    "/{name}/events",
    operation_id="followImage",
    response_class=Response,
    responses={**STREAM, **documented(*OF_ONE, ProblemReason.TOO_MANY_STREAMS)},
)
async def follow_image(
    services: Have, watcher: Watching, name: Name, last_event_id: LastEventId = None
) -> EventStream:
    """Follow an image until it is done: events with its states, as server-sent events."""
    image = await watched_image(services, watcher, name)
    states = follow(image, services.cache, services.images.read, KEEP_ALIVE_SECONDS)
    events = views.events(name, states, last_event_id or "")
    return EventStream(events, services.streams, watcher.owner)


@router.post(
    "/{name}/events/tickets",
    operation_id="createEventsTicket",
    status_code=201,
    response_description="The ticket.",
    responses=documented(
        *(*OF_ONE, ProblemReason.TOO_MANY_STREAMS),
        *(ProblemReason.STATE_FULL, ProblemReason.STATE_UNREADABLE),
    ),
)
async def create_events_ticket(services: Have, caller: Reader, name: Name) -> TicketModel:
    """Make a ticket that opens the image's events once, for a browser's EventSource."""
    image = await own_image(services, caller, name)
    ticket = await issue_ticket(services, caller, image)
    link = f"{views.links(name)['events']}?ticket={ticket}"
    return TicketModel(ticket=ticket, seconds=tickets.SECONDS, link=link)
