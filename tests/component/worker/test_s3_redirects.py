"""Stores that redirect a worker elsewhere: to no place is a connection opened."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import S3
from support.led_astray import BATCH, ELSEWHERE, SECONDS, Trap, bucket, reading, work, writing
from support.s3_stores import AUTHORITY, BUCKET, Stub, fetched, opened, serving
from support.worker_process import Ended

TARGETS = {
    "another address": ("http://127.0.0.2:{trap}/x", "http://127.0.0.2:{trap}"),
    "the same, spelt as a number": ("http://2130706434:{trap}/x", "http://2130706434:{trap}"),
    "the same, in IPv6": ("http://[::ffff:127.0.0.2]:{trap}/", "http://[::ffff:127.0.0.2]:{trap}"),
    "another port": ("http://127.0.0.1:{port}/{bucket}/b", "http://127.0.0.1:{port}"),
    "another scheme": ("https://127.0.0.1:{own}/x", "https://127.0.0.1:{own}"),
    "no scheme": ("//127.0.0.2:{trap}/x", "//127.0.0.2:{trap}"),
    "a user name": ("http://127.0.0.1@127.0.0.2:{trap}/", "http://127.0.0.2:{trap}"),
    "a metadata service": ("http://169.254.169.254/latest/meta-data/", "http://169.254.169.254"),
    "the same, in IPv6 ": ("http://[fd00:ec2::254]/latest/", "http://[fd00:ec2::254]"),
    "a name": ("http://localhost.:{port}/x", "http://localhost.:{port}"),
    "another object of this store": ("http://127.0.0.1:{own}/other/b", "http://127.0.0.1:{own}"),
    "another path": ("/other/secret", "another path"),
    "a file": ("file:///etc/passwd", "another path"),
}
STATUSES = (300, 301, 302, 303, 307, 308)
METHODS = {"GET": reading, "PUT": writing}


class Redirect(NamedTuple):
    name: str
    method: str
    status: int
    target: str


REDIRECTS = [
    Redirect(f"r{number}", *each) for number, each in enumerate(product(METHODS, STATUSES, TARGETS))
]


class Redirected(NamedTuple):
    """All redirects: how their items ended, and who was asked for what."""

    ended: dict[str, Ended | None]
    requests: Counter[str]
    ports: dict[str, Any]
    places: set[str]
    traps: list[Trap]
    longest: float


def redirecting(ports: dict[str, Any], requests: Counter[str]) -> Any:
    """Answer a request for a redirect's object with that redirect."""
    known = {redirect.name: redirect for redirect in REDIRECTS}

    def do(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        name = urlsplit(request.path).path.split("/")[2]
        requests[name] += 1
        request.send_response(known[name].status)
        request.send_header("Location", TARGETS[known[name].target][0].format(**ports))
        request.send_header("Content-Length", "0")
        request.end_headers()

    return do


@pytest.fixture(scope="module")
def redirected(tmp_path_factory: pytest.TempPathFactory) -> Redirected:
    requests: Counter[str] = Counter()
    ports: dict[str, Any] = {"bucket": BUCKET}
    ended: dict[str, Ended | None] = {}
    places: set[str] = set()
    longest = 0.0
    with ExitStack() as stack:
        traps = [stack.enter_context(Trap(address)) for address in (ELSEWHERE, "127.0.0.1")]
        stub = stack.enter_context(serving(Stub(redirecting(ports, requests))))
        ports |= {"trap": traps[0].port, "port": traps[1].port, "own": stub.server_port}
        for at in range(0, len(REDIRECTS), BATCH):
            batch = REDIRECTS[at : at + BATCH]
            items = [METHODS[each.method](each.name, "up") for each in batch]
            stores = {"up": bucket(stub.endpoint)}
            seen = work(tmp_path_factory.mktemp("redirect"), items, stores, parallelism=4)
            ended |= dict(zip((each.name for each in batch), seen.ended, strict=True))
            places |= set(seen.places)
            longest = max(longest, seen.seconds)
    return Redirected(ended, requests, ports, places, traps, longest)


@pytest.mark.parametrize(
    "redirect", REDIRECTS, ids=lambda each: f"{each.method} {each.status} to {each.target}"
)
def test_a_redirect_is_not_followed_and_named(redirected: Redirected, redirect: Redirect) -> None:
    end = redirected.ended[redirect.name]

    assert end is not None
    permanent = redirect.status in (301, 308)
    assert end.reason == ("InvalidSpec" if permanent else "StorageUnavailable")
    named = TARGETS[redirect.target][1].format(**redirected.ports)
    assert f" to {named}, which isn't followed: " in end.message
    assert redirected.requests[redirect.name] == 1


def test_no_redirect_opens_a_connection_elsewhere(redirected: Redirected) -> None:
    assert redirected.places == {f"('127.0.0.1', {redirected.ports['own']})"}
    assert [(trap.connections, trap.received) for trap in redirected.traps] == [(0, b"")] * 2
    assert redirected.longest < SECONDS


def test_a_service_account_s_token_follows_no_redirect(tmp_path: Path) -> None:
    with Trap(ELSEWHERE) as trap:

        def do(request: BaseHTTPRequestHandler) -> None:
            request.send_response(307)
            location = f"http://{ELSEWHERE}:{trap.port}{request.path}"
            request.send_header("Location", location)
            request.end_headers()

        with serving(Stub(do, tls=True)) as stub:
            role = "arn:aws:iam::1:role/x"
            store = S3(stub.endpoint, BUCKET, ca_bundle=AUTHORITY, role_arn=role)
            storage = opened(tmp_path, store, token="the-projected-token")
            with pytest.raises(ItemFailure, match=r"to http://127.0.0.2:\d+, which isn't") as no:
                fetched(storage, tmp_path / "source", "in/a")

    assert "the-projected-token" not in no.value.message
    assert (trap.connections, stub.requests) == (0, 1)
