"""So many connections: who holds one without a request makes room, and probes are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_gateway.http.app import application
from imagejob_gateway.http.connections import CROWDED, GRACE_SECONDS, SPARE, Connections
from support.asgi import request
from support.gateway_services import services

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

MOST = 3


class Connection:
    def __init__(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


class World:
    def __init__(self) -> None:
        self.now = 0.0
        self.all = Connections(MOST, lambda: self.now)

    def several(self, count: int, *, busy: bool) -> list[Connection]:
        found = []
        for _ in range(count):
            found.append(Connection())
            self.all.opened(found[-1])
            if busy:
                self.all.busy(found[-1])
        return found


def test_the_one_that_says_nothing_for_longest_makes_room() -> None:
    world = World()
    (first, *rest) = world.several(MOST, busy=False)
    world.now += GRACE_SECONDS

    assert not world.all.opened(Connection())

    assert [each.is_open for each in (first, *rest)] == [False, True, True]


def test_those_with_a_request_stay_and_newcomers_are_spare() -> None:
    world = World()
    found = world.several(MOST, busy=True)
    newcomer = Connection()

    assert world.all.opened(newcomer)

    assert all(each.is_open for each in (*found, newcomer))
    world.all.closed(found[0])
    world.all.closed(newcomer)
    assert not world.all.opened(Connection())


def test_one_whose_request_is_answered_makes_room_after_those_before_it() -> None:
    world = World()
    answered, other = world.several(2, busy=True)
    (silent,) = world.several(1, busy=False)
    world.all.idle(answered)
    world.now += GRACE_SECONDS

    world.several(2, busy=True)

    assert [each.is_open for each in (answered, other, silent)] == [False, True, False]


def test_spare_connections_are_bounded_and_the_newest_of_them_stays() -> None:
    """A probe says at once what it wants: what holds spare connections is older."""
    world = World()
    world.several(MOST, busy=True)
    spare = world.several(SPARE, busy=False)

    probe = Connection()
    assert world.all.opened(probe)

    assert not spare[0].is_open
    assert all(each.is_open for each in (*spare[1:], probe))


def test_what_is_more_than_all_closes_at_once() -> None:
    world = World()
    world.several(MOST + SPARE, busy=True)
    (newcomer,) = world.several(1, busy=False)

    assert not newcomer.is_open


def test_probes_are_answered_and_all_else_is_refused_on_spare_connections() -> None:
    app = application(services(unwatched=lambda: ()))

    async def crowd(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {CROWDED: True}
        await app(scope, receive, send)

    for path in ("/api/v1/health/live", "/api/v1/health/ready"):
        assert request(crowd, "GET", path).status == 200
    answer = request(crowd, "GET", "/api/v1/images")

    assert (answer.status, answer.json()["reason"]) == (503, "TooManyConnections")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["connection"] == "close"
