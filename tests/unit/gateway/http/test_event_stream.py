"""Streams of events: bounded, ended, and closed on those who take nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.http import event_stream, views
from imagejob_gateway.http.event_stream import EventStream, Streams
from imagejob_gateway.images.following import Progress
from imagejob_gateway.problem import ProblemError, ProblemReason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

SECONDS = 10.0


class Client:
    """The other side of one stream."""

    def __init__(self, *, takes_nothing: bool = False) -> None:
        self.got: list[bytes] = []
        self.status = 0
        self.is_complete = False
        self.takes_nothing = takes_nothing
        self.has_gone = asyncio.Event()
        self.came = asyncio.Event()
        self.scope: dict[str, Any] = {"type": "http", "state": {"abort": self.has_gone.set}}

    async def receive(self) -> Any:
        await self.has_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        if self.takes_nothing:
            await asyncio.Event().wait()
        self.got.append(message["body"])
        self.is_complete = not message["more_body"]
        self.came.set()

    async def open(self, stream: EventStream) -> None:
        async with asyncio.timeout(SECONDS):
            await stream(self.scope, self.receive, self.send)


async def some(parts: Iterable[bytes], ended: list[str] | None = None) -> AsyncGenerator[bytes]:
    """Parts, and then nothing for ever; `ended` gets a word when that is over."""
    try:
        for each in parts:
            yield each
        await asyncio.Event().wait()
    finally:
        if ended is not None:
            ended.append("ended")


async def few(parts: Iterable[bytes]) -> AsyncGenerator[bytes]:
    for each in parts:
        yield each


def test_a_stream_ends_after_its_last_event() -> None:
    async def run() -> tuple[Client, Streams]:
        client, streams = Client(), Streams()
        await client.open(EventStream(few([b"a", b"b"]), streams, "alice"))
        return client, streams

    client, streams = asyncio.run(run())

    assert (client.status, client.got, client.is_complete) == (200, [b"a", b"b", b""], True)
    assert not streams._open


def test_a_client_that_goes_ends_its_stream() -> None:
    async def run() -> tuple[list[str], Streams]:
        client, streams, ended = Client(), Streams(), list[str]()
        stream = EventStream(some([b"a"], ended), streams, "alice")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(client.open(stream))
            await client.came.wait()
            client.has_gone.set()
        return ended, streams

    ended, streams = asyncio.run(run())

    assert ended == ["ended"]
    assert not streams._open


def test_a_gateway_that_stops_ends_all_streams_in_good_order() -> None:
    async def run() -> list[Client]:
        clients, streams = [Client() for _ in range(3)], Streams()
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(client.open(EventStream(some([b"a"]), streams, "alice")))
                await client.came.wait()
            streams.stop()
        late = Client()
        await late.open(EventStream(some([]), streams, "alice"))
        return [*clients, late]

    *clients, late = asyncio.run(run())

    assert [client.got for client in clients] == [[b"a", event_stream.CLOSING, b""]] * 3
    assert all(client.is_complete for client in (*clients, late))


def test_a_client_that_takes_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "SEND_SECONDS", 0.01)

    async def run() -> tuple[Client, list[str]]:
        client, ended = Client(takes_nothing=True), list[str]()
        await client.open(EventStream(some([b"a"], ended), Streams(), "alice"))
        return client, ended

    client, ended = asyncio.run(run())

    assert client.has_gone.is_set()
    assert ended == ["ended"]
    assert not client.is_complete


def test_a_stream_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MOST_SECONDS", 0.01)

    async def run() -> Client:
        client = Client()
        await client.open(EventStream(some([]), Streams(), "alice"))
        return client

    assert asyncio.run(run()).got == [event_stream.CLOSING, b""]


def test_a_bug_in_a_stream_is_raised_and_the_stream_not_completed() -> None:
    async def broken() -> AsyncGenerator[bytes]:
        yield b"a"
        raise RuntimeError("a bug")

    async def run() -> Client:
        client = Client()
        with pytest.raises(RuntimeError, match="a bug"):
            await client.open(EventStream(broken(), Streams(), "alice"))
        return client

    assert not asyncio.run(run()).is_complete


@pytest.mark.parametrize(("per_owner", "in_all"), [(2, 10), (10, 2)])
def test_too_many_streams_are_refused_until_one_ends(per_owner: int, in_all: int) -> None:
    async def run() -> list[int]:
        streams = Streams(per_owner, in_all)
        statuses = []
        async with asyncio.TaskGroup() as tasks:
            clients = [Client(), Client()]
            opened = []
            for client in clients:
                stream = EventStream(some([b"a"]), streams, "alice")
                opened.append(tasks.create_task(client.open(stream)))
                await client.came.wait()
            third = Client()
            with pytest.raises(ProblemError) as raised:
                await third.open(EventStream(few([]), streams, "alice"))
            assert raised.value.problem.reason == ProblemReason.TOO_MANY_STREAMS
            assert raised.value.problem.retry_after
            statuses.append(third.status)
            clients[0].has_gone.set()
            await opened[0]
            await third.open(EventStream(few([]), streams, "alice"))
            statuses.append(third.status)
            streams.stop()
        return statuses

    assert asyncio.run(run()) == [0, 200]


def test_a_stream_that_makes_room_ends_in_good_order() -> None:
    async def run() -> list[Client]:
        clients, streams = [Client(), Client(), Client()], Streams(2, 2)
        async with asyncio.TaskGroup() as tasks:
            for client, owner in zip(clients, ("alice", "alice", "bob"), strict=True):
                tasks.create_task(client.open(EventStream(some([b"a"]), streams, owner)))
                await client.came.wait()
            clients[0].came.clear()
            streams.stop()
        return clients

    first, *others = asyncio.run(run())

    assert first.got == [b"a", event_stream.CLOSING, b""]
    assert all(client.is_complete for client in (first, *others))


def test_a_client_that_takes_no_end_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "SEND_SECONDS", 0.01)
    monkeypatch.setattr(event_stream, "MOST_SECONDS", 0.01)

    async def run() -> Client:
        client = Client(takes_nothing=True)
        await client.open(EventStream(some([]), Streams(), "alice"))
        return client

    assert asyncio.run(run()).has_gone.is_set()


STATES = [Progress(5, "Queued", "Waits", "2nd in line\nand more"), None]
HEAD = 'event: image\ndata: {"name":"a",'
LINKS = (
    '"links":{"self":"/api/v1/images/a","outputs":"/api/v1/images/a/outputs/{output}",'
    '"events":"/api/v1/images/a/events"}}\n\n'
)
LAST = Progress(9, "Succeeded", "", "")
ENDS = {
    "done": ([LAST], "", f'id: 9\n{HEAD}"phase":"Succeeded",{LINKS}', "Finished"),
    "done, and known": ([LAST], "9", "", "Finished"),
    "deleted": ([Progress(9, "Queued", "", "", is_deleted=True)], "", "", "Deleted"),
}


@pytest.mark.parametrize(("states", "known", "event", "why"), ENDS.values(), ids=ENDS)
def test_events_are_states_and_the_reason_of_the_end(
    states: list[Progress | None], known: str, event: str, why: str
) -> None:
    async def given() -> AsyncGenerator[Progress | None]:
        for each in [*STATES, *states]:
            yield each

    async def run() -> str:
        return b"".join([each async for each in views.events("a", given(), known)]).decode()

    assert asyncio.run(run()) == (
        "retry: 3000\n\n"
        f'id: 5\n{HEAD}"phase":"Queued","reason":"Waits","message":"2nd in line\\nand more",{LINKS}'
        ": nothing new\n\n"
        f"{event}"
        f'event: end\ndata: {{"reason":"{why}"}}\n\n'
    )
