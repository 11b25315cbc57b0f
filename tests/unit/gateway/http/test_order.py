"""Who asks is known before anything that they ask for is judged, on every route that needs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from imagejob_gateway.auth.tokens import Tokens
from imagejob_gateway.http.app import application, document
from support.asgi import request
from support.forged_tokens import UNAUTHENTICATED
from support.gateway_services import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

OPEN = {("GET", "/"), ("GET", "/api/v1/health/live"), ("GET", "/api/v1/health/ready")}
ROUTES = [
    (method.upper(), path)
    for path, operations in document()["paths"].items()
    for method in operations
    if (method.upper(), path) not in OPEN
]
BAD_QUERY = "limit=-1&limit=x&cursor=" + "x" * 600 + "&phase=No&createdSince=never&profile=a&a=b"
BAD_HEADERS = {
    "last_event_id": "x" * 100,
    "idempotency_key": "x" * 300,
    "content_type": "multipart/form-data",
    "content_length": "many",
}
SHOWN: dict[str, tuple[str, Mapping[str, str]]] = {
    "nothing": ("", {}),
    "a token": ("", {"authorization": "Bearer x.y.z"}),
    "a slot's token": ("", {"authorization": "Bearer slot-AAAA"}),
    "another kind": ("", {"authorization": "Basic eDp5"}),
    "a ticket": ("&ticket=ticket-AAAA", {}),
    "a long ticket": ("&ticket=" + "x" * 9999, {}),
    "two tickets": ("&ticket=a&ticket=b", {}),
}


def test_every_other_route_says_that_it_may_answer_401() -> None:
    paths = document()["paths"]

    assert all("401" in paths[path][method.lower()]["responses"] for method, path in ROUTES)


HEALTH = ("GET", "/api/v1/health/")
"""It has an answer for strangers."""

CASES = {
    f"{' '.join(route)}, {name}": (*route, *what)
    for route in ROUTES
    for name, what in SHOWN.items()
    if route != HEALTH or what[1]
}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return application(services(tokens=Tokens([])))


@pytest.mark.parametrize(("method", "path", "query", "headers"), CASES.values(), ids=CASES)
def test_a_stranger_s_request_is_not_judged(
    app: FastAPI, method: str, path: str, query: str, headers: Mapping[str, str]
) -> None:
    wrong = path.format(name="A_B", output="A_B", id="no-id")
    body = json.dumps({"uploads": 1}).encode()
    sent = {**BAD_HEADERS, **headers}

    answer = request(app, method, f"{wrong}?{BAD_QUERY}{query}", body, x_request_id="abc-1", **sent)

    assert answer.status == 401
    assert answer.json() == UNAUTHENTICATED
