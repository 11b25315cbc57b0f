"""What surrounds the routes: problems, ids, headers, and the document."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.auth.tokens import Tokens
from imagejob_gateway.config import IssuerSettings, ProfileSettings, Settings, StoreSettings
from imagejob_gateway.http.app import application
from imagejob_gateway.http.services import Services
from support.asgi import BUG, request

if TYPE_CHECKING:
    from fastapi import FastAPI


def app(**settings: Any) -> FastAPI:
    """An application whose services are missing: what needs one is a bug."""
    chosen = Settings(
        "team-a",
        (StoreSettings("uploads", "/etc/store"),),
        (ProfileSettings("web"),),
        (IssuerSettings("i", "a", "/key"),),
        **settings,
    )

    def unwatched() -> tuple[str, ...]:
        raise RuntimeError(BUG)

    missing: Any = None
    return application(Services(chosen, Tokens([]), *(missing,) * 7, unwatched, health=missing))


def test_a_bug_is_a_problem_that_tells_nothing_but_its_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = request(app(), "GET", "/api/v1/health/ready", x_request_id="abc-1")

    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:imagejob:problem:Internal",
        "title": "The gateway failed",
        "status": 500,
        "detail": "The gateway failed.",
        "reason": "Internal",
        "requestId": "abc-1",
    }
    assert BUG in caplog.text


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>", "a\nb"])
def test_an_id_that_is_no_plain_word_is_replaced(given: str) -> None:
    answer = request(app(), "GET", "/", x_request_id=given)

    assert answer.status == 200
    assert answer.headers["x-request-id"] not in ("", given)


def test_each_answer_has_its_id_and_is_not_sniffed() -> None:
    for path in ("/", "/nowhere"):
        answer = request(app(), "GET", path, x_request_id="abc-1")

        assert answer.headers["x-request-id"] == "abc-1"
        assert answer.headers["x-content-type-options"] == "nosniff"


CHALLENGED = [
    *("/api/v1/images", "/api/v1/images/a", "/api/v1/health/stats"),
    "/api/v1/uploads/0123456789abcdef01234567",
]


@pytest.mark.parametrize("path", CHALLENGED)
@pytest.mark.parametrize("header", [None, "Bearer x", "Bearer ", "Basic eDp5", "x"])
def test_without_a_valid_token_the_answer_is_always_the_same(path: str, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}

    answer = request(app(), "GET", path, x_request_id="abc-1", **headers)

    assert answer.headers["www-authenticate"] == 'Bearer realm="imagejob-gateway"'
    assert answer.json() == {
        "type": "urn:imagejob:problem:Unauthenticated",
        "title": "A valid token is needed",
        "status": 401,
        "detail": "The request needs a valid bearer token.",
        "reason": "Unauthenticated",
        "requestId": "abc-1",
        "header": "Authorization",
    }


def test_pages_of_other_origins_are_let_in_only_where_they_are_named() -> None:
    origin = "https://app.example.com"

    closed = request(app(), "GET", "/", origin=origin)
    opened = request(app(cors_origins=(origin,)), "GET", "/", origin=origin)

    assert "access-control-allow-origin" not in closed.headers
    assert opened.headers["access-control-allow-origin"] == origin


def test_the_document_names_each_operation_and_its_problems() -> None:
    document = request(app(), "GET", "/openapi.json").json()

    operations = {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }
    assert operations.keys() == {
        *("getRoot", "getHealth", "getLiveness", "getReadiness", "getStats"),
        *("reserveUploads", "getUpload", "completeUpload", "giveBackUpload"),
        *("uploadImage", "listImages", "getImage", "getOutput", "deleteImage"),
    }
    assert operations["uploadImage"]["responses"].keys() == {
        *("200", "202", "400", "401", "403", "409", "411", "413", "415", "422", "429", "503"),
    }
    described = operations["getImage"]["responses"]["404"]["content"]
    assert described.keys() == {"application/problem+json"}
    schemas = document["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert {"ProblemModel", "ReservationModel", "AnnouncedModel"} <= named <= schemas.keys()
    assert "$defs" not in json.dumps(document)
    assert "HTTPValidationError" not in operations["listImages"]["responses"]["422"]["content"]
