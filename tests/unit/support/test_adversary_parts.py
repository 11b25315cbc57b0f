"""The parts without which the adversary would be blind."""

from __future__ import annotations

import http.client
import io
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image
from support.adversary import asks, front, moves
from support.adversary.front import Manners, number_of, picture
from support.adversary.moves import Move
from support.examples import examples
from support.s3_stores import Stub, answer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/team/derived/cat/thumb.png"
RULES = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete"]},
    {"apiGroups": [""], "resources": ["pods", "pods/eviction"], "verbs": ["create", "patch"]},
    {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["one"], "verbs": ["update"]},
    {"apiGroups": ["imagejob.dev"], "resources": ["*"], "verbs": ["*"]},
]


@pytest.fixture
def behind() -> Iterator[Stub]:
    """A server that accepts everything."""

    def take(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        answer(request, 200, b"")

    with serving(Stub(take)) as stub:
        yield stub


@pytest.mark.parametrize("number", [1, 31, 32, 1023, 1024, 30_000])
def test_a_picture_s_number_is_read_off_what_is_made_of_it(number: int) -> None:
    made = io.BytesIO()
    Image.open(io.BytesIO(picture(number))).resize((8, 8)).save(made, "PNG")

    assert number_of(picture(number)) == number_of(made.getvalue()) == number


def test_what_is_no_picture_has_no_number() -> None:
    assert number_of(b"\x89PNG\r\n\x1a\n nothing") is None


def test_a_write_is_recorded_without_a_response(behind: Stub) -> None:
    with front.serving(behind.server_port) as store:
        store.behave("team", Manners(put="hang thumb"))
        connection = http.client.HTTPConnection("127.0.0.1", store.server_port, timeout=0.3)
        connection.request("PUT", PATH, picture(7))
        with pytest.raises(TimeoutError):
            connection.getresponse()
        connection.close()
        (write,) = store.writes("team")

    assert (write.key, write.picture) == ("derived/cat/thumb.png", 7)


def test_each_reading_of_a_changing_source_is_another(behind: Stub) -> None:
    with front.serving(behind.server_port) as store:
        store.behave("team", Manners(get="changing"))
        numbers = [number_of(_get(store.server_port)) for _ in range(3)]

    assert len({*numbers} - {None}) == 3


def test_a_store_that_has_settled_answers(behind: Stub) -> None:
    with front.serving(behind.server_port) as store:
        store.behave("team", Manners(get="hang"))
        store.settle("team")

        assert _get(store.server_port) == b""


def test_rights_are_those_that_the_review_names() -> None:
    allowed = moves.rights(RULES)

    assert {("create", "jobs"), ("delete", "jobs"), ("create", "pods/eviction")} <= allowed
    assert ("deletecollection", "imagequotas") in allowed
    assert not allowed & {("patch", "jobs"), ("update", "secrets"), ("delete", "pods")}


@settings(max_examples=examples(50), suppress_health_check=list(HealthCheck), database=None)
@given(moves.requests(moves.rights(RULES)))
def test_a_move_is_data_that_can_be_kept(move: Move) -> None:
    assert msgspec.json.decode(msgspec.json.encode(move), type=Move) == move


def test_a_change_is_merged_as_the_api_server_would() -> None:
    there = {"metadata": {"name": "cat", "labels": {"a": "b", "c": "d"}}, "spec": {"x": 1}}

    merged = asks.merged(there, {"metadata": {"labels": {"a": None, "e": "f"}}, "spec": None})

    assert merged == {"metadata": {"name": "cat", "labels": {"c": "d", "e": "f"}}}


def _get(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", PATH)
    with connection.getresponse() as response:
        body = response.read()
    connection.close()
    return body
