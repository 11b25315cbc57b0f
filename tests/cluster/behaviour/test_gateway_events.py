"""An image's events from a gateway that runs: with a token, with a ticket, and when it stops."""

from __future__ import annotations

import http.client
import json
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from imagejob_dev.ports import LOOPBACK
from imagejob_gateway.http.server import DRAIN_SECONDS
from support import gateway as gateways
from support.conditions import until
from support.gateway import Gateway
from support.tenant import Tenant, ours, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.client import Client
    from support.helm_chart import Helm

pytestmark = [pytest.mark.laptop, pytest.mark.usefixtures("operator")]

UPLOAD = "/api/v1/images/upload"


class Event(NamedTuple):
    """One event, its data read."""

    kind: str
    number: str
    data: Any


@pytest.fixture(scope="module")
def team(cluster: Client, helm: Helm) -> Iterator[Tenant]:
    with gateways.fresh_team(cluster, helm, {"name": "thumb", "width": 320}) as found:
        yield found


@pytest.fixture(scope="module")
def gateway(team: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateways.running(team, tmp_path_factory.mktemp("gateway")) as found:
        yield found


def uploaded(gateway: Gateway, number: int) -> dict[str, Any]:
    """A new image; `number` makes it another one than before."""
    data = picture(640, 480 + number)
    answer = gateway.request("POST", UPLOAD, data, gateway.token(), Content_Type="image/jpeg")
    assert answer.status == 202, answer.body
    found: dict[str, Any] = answer.json()
    return found


@contextmanager
def opened(gateway: Gateway, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(LOOPBACK, gateway.port, timeout=gateways.SECONDS)
    try:
        connection.request(
            "GET", path, headers={name.replace("_", "-"): each for name, each in headers.items()}
        )
        yield connection.getresponse()
    finally:
        connection.close()


def events(response: http.client.HTTPResponse) -> Iterator[Event]:
    """Events as they come, until the stream ends."""
    fields: dict[str, str] = {}
    for line in iter(response.readline, b""):
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}


def bearer(gateway: Gateway) -> str:
    return f"Bearer {gateway.token()}"


def test_an_image_is_followed_to_its_end_by_a_ticket_that_works_once(gateway: Gateway) -> None:
    image = uploaded(gateway, 1)
    made = gateway.request("POST", image["links"]["events"] + "/tickets", token=gateway.token())
    assert made.status == 201
    link = made.json()["link"]

    with opened(gateway, link) as response:
        assert response.status == 200
        assert response.getheader("content-type") == "text/event-stream; charset=utf-8"
        *states, end = events(response)
    again = gateway.request("GET", link)

    assert {each.kind for each in states} == {"image"}
    assert states[-1].data["phase"] == "Succeeded"
    assert (end.kind, end.data) == ("end", {"reason": "Finished"})
    numbers = [int(each.number) for each in states]
    assert numbers == sorted(set(numbers))
    assert (again.status, again.json()["reason"]) == (401, "Unauthenticated")

    known = {"Last_Event_ID": states[-1].number, "Authorization": bearer(gateway)}
    with opened(gateway, image["links"]["events"], **known) as response:
        assert [each.kind for each in events(response)] == ["end"]


def test_a_ticket_opens_no_other_image(gateway: Gateway) -> None:
    one, other = uploaded(gateway, 2), uploaded(gateway, 3)
    made = gateway.request("POST", one["links"]["events"] + "/tickets", token=gateway.token())

    answer = gateway.request("GET", f"{other['links']['events']}?ticket={made.json()['ticket']}")

    assert (answer.status, answer.json()["reason"]) == (404, "NotFound")


def test_a_deleted_image_ends_its_stream(gateway: Gateway, team: Tenant) -> None:
    team.apply(held := quota())
    try:
        image = uploaded(gateway, 4)
        with opened(gateway, image["links"]["events"], Authorization=bearer(gateway)) as response:
            found = events(response)
            next(found)
            gateway.request("DELETE", image["links"]["self"], token=gateway.token())
            *_, end = found
    finally:
        team.kubectl("delete", "imagequota", held["metadata"]["name"])

    assert (end.kind, end.data) == ("end", {"reason": "Deleted"})


def test_a_gateway_that_stops_ends_its_streams_and_then_itself(
    team: Tenant, gateway: Gateway, tmp_path: Path
) -> None:
    team.apply(held := quota())
    try:
        with gateways.running(team, tmp_path, gateway.key, "second") as second:
            image = uploaded(gateway, 5)
            path = image["links"]["events"]
            with opened(second, path, Authorization=bearer(second)) as response:
                found = events(response)
                assert next(found).kind == "image"
                assert second.program.pid
                os.kill(second.program.pid, signal.SIGTERM)
                *_, end = found
            until(lambda: second.program.died, DRAIN_SECONDS / 2)
    finally:
        team.kubectl("delete", "imagequota", held["metadata"]["name"])

    assert (end.kind, end.data) == ("end", {"reason": "Closing"})


def quota() -> dict[str, Any]:
    """An ImageQuota that lets one ImageJob pass in a day: the next ones wait."""
    return ours("ImageQuota", "default", {"limits": [{"jobs": 1, "per": "1d"}]})
