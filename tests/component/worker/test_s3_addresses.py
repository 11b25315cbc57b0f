"""Stores whose names resolve to where no worker should connect, at once or only later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from support import worker_process
from support.led_astray import (
    BATCH,
    ELSEWHERE,
    OUTPUTS,
    PHOTO,
    SECONDS,
    Trap,
    Watched,
    bucket,
    reading,
    work,
)
from support.s3_stores import AUTHORITY, Stub, answer, serving
from support.worker_process import Ended

REFUSED = {
    "169.254.169.254": "a cloud's metadata service, which is never connected to",
    "fd00:ec2::254": "a cloud's metadata service, which is never connected to",
    "::ffff:169.254.169.254": "a cloud's metadata service, which is never connected to",
    "64:ff9b::a9fe:a9fe": "a cloud's metadata service, which is never connected to",
    "100.100.100.200": "a cloud's metadata service, which is never connected to",
    "169.254.170.2": "link-local, which is never connected to",
    "fe80::1": "link-local, which is never connected to",
    ELSEWHERE: "loopback, and the platform doesn't list it in stores.internalCidrs",
    "::1": "loopback, and the platform doesn't list it in stores.internalCidrs",
    "::ffff:127.0.0.2": "loopback, and the platform doesn't list it in stores.internalCidrs",
    "0.1.2.3": "unspecified, and the platform doesn't list it in stores.internalCidrs",
    "10.96.0.1": "private, and the platform doesn't list it in stores.internalCidrs",
    "100.64.0.1": "private, and the platform doesn't list it in stores.internalCidrs",
    "fd12::1": "private, and the platform doesn't list it in stores.internalCidrs",
    "224.0.0.1": "multicast, and the platform doesn't list it in stores.internalCidrs",
}
SPELLINGS = ("2130706434", "0x7f000002", "0x7f.2", "127.2", "0177.0.0.2", "127.0.0.2.")
"""Of 127.0.0.2. The resolver of the system takes each for that, or for no name at all."""


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Watched], Trap]:
    """Each address in REFUSED, behind a name of its own; then the spellings. BATCH in a worker."""
    seen: list[Watched] = []
    names = {f"s{number}.test": [[address]] for number, address in enumerate(REFUSED)}
    hosts = [*names, *SPELLINGS]
    with Trap(ELSEWHERE) as trap:
        for at in range(0, len(hosts), BATCH):
            part = list(enumerate(hosts))[at : at + BATCH]
            stores = {f"up-{n}": bucket(f"http://{host}:{trap.port}") for n, host in part}
            items = [reading(f"i{n}", f"up-{n}") for n, _ in part]
            root = tmp_path_factory.mktemp("refused")
            seen.append(work(root, items, stores, names, parallelism=4))
    return seen, trap


def end_of(refused: tuple[list[Watched], Trap], number: int) -> Ended:
    batch, place = divmod(number, BATCH)
    end = refused[0][batch].ended[place]
    assert end is not None
    return end


@pytest.mark.parametrize("number", range(len(REFUSED)), ids=list(REFUSED))
def test_an_address_is_judged_whatever_name_led_there(
    refused: tuple[list[Watched], Trap], number: int
) -> None:
    end = end_of(refused, number)
    address, words = list(REFUSED.items())[number]

    assert end.reason == "AccessDenied"
    assert end.message.endswith(f"can't read i{number}/a: its address {address} is {words}")


@pytest.mark.parametrize("number", range(len(SPELLINGS)), ids=SPELLINGS)
def test_no_spelling_leads_past_the_judgement(
    refused: tuple[list[Watched], Trap], number: int
) -> None:
    end = end_of(refused, len(REFUSED) + number)

    unresolved = end.reason == "StorageUnavailable" and "can't be resolved" in end.message
    assert unresolved or "its address 127.0.0.2 is loopback" in end.message, end.message


def test_nothing_is_connected_to_before_the_judgement(
    refused: tuple[list[Watched], Trap],
) -> None:
    seen, trap = refused

    assert [place for each in seen for place in each.places] == []
    assert (trap.connections, trap.received) == (0, b"")
    assert max(each.seconds for each in seen) < SECONDS


@contextmanager
def store_and_trap(*, keeps: bool) -> Iterator[tuple[Stub, Trap]]:
    """A store that serves and takes everything, and a trap on the same port, elsewhere."""

    def do(request: BaseHTTPRequestHandler) -> None:
        request.protocol_version = "HTTP/1.1"
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        answer(request, 200, PHOTO if request.command == "GET" else b"")
        request.wfile.flush()
        if keeps and request.command == "GET":
            request.raw_requestline = request.rfile.readline()
            request.parse_request()
            do(request)

    with serving(Stub(do)) as stub, Trap(ELSEWHERE, stub.server_port) as trap:
        yield stub, trap


def through(name: str) -> list[dict[str, Any]]:
    """An item that reads from a store and writes to it."""
    source, destination = {"store": name, "key": "a"}, {"store": name, "prefix": "out"}
    return [worker_process.item("a", OUTPUTS, source=source, destination=destination)]


def test_a_name_that_rebinds_after_its_look_up_gains_nothing(tmp_path: Path) -> None:
    """Whoever looked the name up to judge it, and again to connect, would be in the trap."""
    with store_and_trap(keeps=True) as (stub, trap):
        names = {"rebinds.test": [["127.0.0.1"], [ELSEWHERE]]}
        stores = {"up": bucket(f"http://rebinds.test:{stub.server_port}")}
        seen = work(tmp_path, through("up"), stores, names)

    (end,) = seen.ended
    assert end is not None
    assert end.reason == "Succeeded", end.message
    assert seen.lookups == ["rebinds.test"]
    assert seen.places == [f"('127.0.0.1', {stub.server_port})"]
    assert (trap.connections, trap.received) == (0, b"")


def test_a_name_that_rebinds_between_two_connections_is_judged_anew(tmp_path: Path) -> None:
    with store_and_trap(keeps=False) as (stub, trap):
        names = {"rebinds.test": [["127.0.0.1"], [ELSEWHERE]]}
        stores = {"up": bucket(f"http://rebinds.test:{stub.server_port}")}
        seen = work(tmp_path, through("up"), stores, names)

    (end,) = seen.ended
    assert end is not None
    assert end.reason == "AccessDenied"
    assert "can't write out/o.png: its address 127.0.0.2 is loopback" in end.message
    assert seen.lookups == ["rebinds.test"] * 2
    assert seen.places == [f"('127.0.0.1', {stub.server_port})"]
    assert (trap.connections, trap.received) == (0, b"")


def test_of_several_addresses_only_permitted_ones_are_tried(tmp_path: Path) -> None:
    with store_and_trap(keeps=True) as (stub, trap):
        names = {"many.test": [["169.254.169.254", ELSEWHERE, "127.0.0.1"]]}
        stores = {"up": bucket(f"http://many.test:{stub.server_port}")}
        seen = work(tmp_path, through("up"), stores, names)

    (end,) = seen.ended
    assert end is not None
    assert end.reason == "Succeeded", end.message
    assert seen.places == [f"('127.0.0.1', {stub.server_port})"]
    assert trap.connections == 0


def test_of_two_permitted_addresses_the_second_is_tried_if_the_first_fails(tmp_path: Path) -> None:
    with store_and_trap(keeps=True) as (stub, _):
        names = {"two.test": [["127.0.0.3", "127.0.0.1"]]}
        stores = {"up": bucket(f"http://two.test:{stub.server_port}")}
        listed = ["127.0.0.1/32", "127.0.0.3/32"]
        seen = work(tmp_path, through("up"), stores, names, internalCidrs=listed)

    (end,) = seen.ended
    assert end is not None
    assert end.reason == "Succeeded", end.message
    assert seen.places == [f"('127.0.0.{n}', {stub.server_port})" for n in (3, 1)]


def test_a_certificate_has_to_be_the_name_s_at_a_judged_address_too(tmp_path: Path) -> None:
    with serving(Stub(lambda request: answer(request, 404, b""), tls=True)) as stub:
        names = {"another.test": [["127.0.0.1"]]}
        endpoint = f"https://another.test:{stub.server_port}"
        stores = {"up": bucket(endpoint, caBundle=AUTHORITY)}
        seen = work(tmp_path, [reading("a", "up")], stores, names)

    (end,) = seen.ended
    assert end is not None
    assert end.message.endswith("its certificate is for another name")
    assert stub.requests == 0


def test_without_a_list_this_machine_is_out_of_reach(tmp_path: Path) -> None:
    with store_and_trap(keeps=False) as (stub, _):
        stores = {"up": bucket(stub.endpoint)}
        seen = work(tmp_path, [reading("a", "up")], stores, internalCidrs=[])

    (end,) = seen.ended
    assert end is not None
    assert (end.reason, seen.places, stub.requests) == ("AccessDenied", [], 0)
