"""Tickets and slots' tokens: what a gateway hasn't made costs the API server nothing."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.auth import sealed
from imagejob_gateway.auth.sealed import Kind, SealedToken
from imagejob_gateway.auth.seals import Seals
from imagejob_gateway.auth.tokens import Tokens
from imagejob_gateway.http.app import application
from imagejob_gateway.http.event_stream import Streams
from imagejob_gateway.state import tickets
from imagejob_gateway.state.shared_key import SharedKey
from imagejob_gateway.state.state import State
from imagejob_operator.kube.errors import UnreachableError
from support.asgi import request
from support.gateway_services import services
from support.state_shards import RATE, START, MemoryShards

if TYPE_CHECKING:
    from support.answers import Answer

OWNER, ID = "0f" * 20, "0123456789abcdef01234567"
EVENTS = "/api/v1/images/a/events"
SLOT = f"/api/v1/uploads/{ID}"


class NoImages:
    """What is asked for doesn't exist any more."""

    async def read(self, name: str) -> None:
        assert name


class World:
    """A replica, which has read the key already; others share its `shards`."""

    def __init__(self, shards: MemoryShards | None = None) -> None:
        self.shards = shards or MemoryShards()
        fake: Any = self.shards
        self.now = START
        self.state = State(fake, RATE, lambda: self.now)
        key = SharedKey(self.state, secrets.token_bytes, lambda: 0.0)
        self.seals = Seals(key.current, secrets.token_bytes, lambda: self.now)
        self.app = application(
            services(
                tokens=Tokens([]),
                images=NoImages(),
                state=self.state,
                seals=self.seals,
                streams=Streams(),
            )
        )
        asyncio.run(key.current())
        self.shards.reads = 0

    def ticket(self) -> str:
        async def issue() -> str:
            new = await self.seals.make(Kind.TICKET, OWNER, tickets.SECONDS)
            await self.state.change(
                OWNER, lambda state, _: (tickets.issued(state, new.digest, "uid"), None)
            )
            return new.text

        text = asyncio.run(issue())
        self.shards.reads = 0
        self.shards.writes.clear()
        return text

    def follow(self, ticket: str) -> Answer:
        return request(self.app, "GET", f"{EVENTS}?ticket={ticket}")


def forged(kind: Kind, about: str) -> dict[str, str]:
    token = SealedToken(kind, OWNER, START // 1000 + 60, b"s" * 16)
    text = sealed.write(token, about, b"guessed")
    return {"another key": text, "no seal": text[:-22], "as it was once": f"{OWNER}.{'A' * 43}"}


@pytest.mark.parametrize("text", forged(Kind.TICKET, "").values(), ids=forged(Kind.TICKET, ""))
def test_a_forged_ticket_costs_no_read(text: str) -> None:
    world = World()

    for _ in range(20):
        assert world.follow(text).status == 401

    assert world.shards.reads == 0


@pytest.mark.parametrize("text", forged(Kind.SLOT, ID).values(), ids=forged(Kind.SLOT, ID))
@pytest.mark.parametrize(
    ("method", "path"), [("GET", SLOT), ("DELETE", SLOT), ("POST", f"{SLOT}/complete")]
)
def test_a_forged_slot_s_token_costs_no_read(method: str, path: str, text: str) -> None:
    world = World()

    answer = request(world.app, method, path, authorization=f"Bearer {text}")

    assert (answer.status, world.shards.reads) == (401, 0)


def test_a_genuine_token_of_another_slot_costs_no_read() -> None:
    world = World()
    new = asyncio.run(world.seals.make(Kind.SLOT, OWNER, 60, "f" * 24))

    answer = request(world.app, "GET", SLOT, authorization=f"Bearer {new.text}")

    assert (answer.status, world.shards.reads) == (401, 0)


def test_a_ticket_is_used_up_by_one_write_and_shown_again_costs_nothing() -> None:
    world = World()
    ticket = world.ticket()

    assert world.follow(ticket).status == 404  # it was one: its image is gone
    cost = world.shards.reads, len(world.shards.writes)
    for _ in range(20):
        assert world.follow(ticket).status == 401

    assert cost == (0, 1)
    assert (world.shards.reads, len(world.shards.writes)) == cost


def test_a_ticket_that_was_used_elsewhere_costs_one_read() -> None:
    world = World()
    ticket = world.ticket()
    other = World(world.shards)
    assert world.follow(ticket).status == 404
    world.shards.reads = 0

    for _ in range(20):
        assert other.follow(ticket).status == 401

    assert world.shards.reads == 1


def test_an_old_ticket_costs_nothing() -> None:
    world = World()
    ticket = world.ticket()
    world.now += 3 * 60_000

    assert (world.follow(ticket).status, world.shards.reads) == (401, 0)


def test_a_ticket_is_still_good_once_the_api_server_is_back() -> None:
    world = World()
    ticket = world.ticket()
    world.shards.failure = UnreachableError("down")

    assert world.follow(ticket).status == 503
    world.shards.failure = None
    assert world.follow(ticket).status == 404
