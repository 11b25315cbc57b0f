"""What surrounds the routes: problems, ids, headers, and the document."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.auth.tokens import Tokens
from imagejob_gateway.config import IssuerSettings, ProfileSettings, Settings, StoreSettings
from imagejob_gateway.http.app import application
from support.asgi import BUG, request
from support.forged_tokens import UNAUTHENTICATED
from support.gateway_services import services

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

    return application(services()._replace(settings=chosen, tokens=Tokens([]), unwatched=unwatched))


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


@pytest.mark.parametrize("path", ["/", "/nowhere", "/docs", "/api/v1/health/ready"])
def test_each_answer_has_its_id_and_headers_that_bind_a_browser(path: str) -> None:
    """A bug's, too."""
    answer = request(app(), "GET", path, x_request_id="abc-1")

    assert answer.headers["x-request-id"] == "abc-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")


def test_the_docs_load_nothing_and_run_nothing() -> None:
    answer = request(app(), "GET", "/docs")

    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!/openapi\.json)", page)
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    for operation in ("uploadImage", "listImages"):
        assert f'id="{operation}"' in page


METHODS = {
    "/": "GET, HEAD",
    "/docs": "GET, HEAD",
    "/openapi.json": "GET, HEAD",
    "/api/v1/images": "GET, HEAD",
    "/api/v1/images/a": "DELETE, GET, HEAD",
    "/api/v1/images/a/outputs/b": "GET, HEAD",
    "/api/v1/images/upload": "POST",
}


@pytest.mark.parametrize(("path", "allowed"), METHODS.items(), ids=METHODS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE"])
def test_another_method_is_told_all_that_the_path_takes(
    path: str, allowed: str, method: str
) -> None:
    answer = request(app(), method, path)

    assert (answer.status, answer.json()["reason"]) == (405, "MethodNotAllowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/api/v1/health/live"])
def test_a_head_is_what_a_get_would_be(path: str) -> None:
    assert request(app(), "HEAD", path).status == 200
    assert request(app(), "HEAD", path).headers.keys() == request(app(), "GET", path).headers.keys()


SLASHES = {
    "/api/v1/health": "/api/v1/health/",
    "/api/v1/health?a=b&a=%2F": "/api/v1/health/?a=b&a=%2F",
    "/api/v1/health?\xff\r\n#": "/api/v1/health/?%FF%0D%0A#",
    "/api/v1/images/": "/api/v1/images",
    "/api/v1/images/upload/": "/api/v1/images/upload",
}


@pytest.mark.parametrize(("path", "location"), SLASHES.items(), ids=SLASHES)
def test_a_slash_too_few_or_too_many_is_redirected_to_the_same_host(
    path: str, location: str
) -> None:
    answer = request(app(), "GET", path, host="evil.example")

    assert (answer.status, answer.headers["location"]) == (307, location)


@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/", "/nowhere/", "//"])
def test_a_slash_leads_nowhere_else(path: str) -> None:
    assert request(app(), "GET", path).status == 404


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
    assert answer.json() == UNAUTHENTICATED


def test_pages_of_other_origins_are_let_in_only_where_they_are_named() -> None:
    origin = "https://app.example.com"

    closed = request(app(), "GET", "/", origin=origin)
    opened = request(app(cors_origins=(origin,)), "GET", "/", origin=origin)

    assert "access-control-allow-origin" not in closed.headers
    assert opened.headers["access-control-allow-origin"] == origin


PREFLIGHTS = {
    "another origin": ("https://evil.example", "POST", "authorization", "Origin"),
    "another method": (
        *("https://app.example.com", "PATCH", "authorization", "Access-Control-Request-Method"),
    ),
    "another header": (
        *("https://app.example.com", "POST", "x-secret", "Access-Control-Request-Headers"),
    ),
}


@pytest.mark.parametrize(
    ("origin", "method", "header", "named"), PREFLIGHTS.values(), ids=PREFLIGHTS
)
def test_a_preflight_that_is_refused_is_a_problem(
    origin: str, method: str, header: str, named: str
) -> None:
    headers = {
        "origin": origin,
        "access_control_request_method": method,
        "access_control_request_headers": header,
    }

    answer = request(app(cors_origins=("https://app.example.com",)), "OPTIONS", "/", **headers)

    assert (answer.status, answer.json()["header"]) == (400, named)
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


def test_a_bug_s_answer_can_be_read_by_pages_that_are_let_in() -> None:
    origin = "https://app.example.com"

    answer = request(app(cors_origins=(origin,)), "GET", "/api/v1/health/ready", origin=origin)

    assert (answer.status, answer.headers["access-control-allow-origin"]) == (500, origin)


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
        *("followImage", "createEventsTicket"),
    }
    assert operations["uploadImage"]["responses"].keys() == {
        *("200", "202", "400", "401", "403", "408", "409"),
        *("411", "413", "415", "422", "429", "503"),
    }
    described = operations["getImage"]["responses"]["404"]["content"]
    assert described.keys() == {"application/problem+json"}
    schemas = document["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert {"ProblemModel", "ReservationModel", "AnnouncedModel"} <= named <= schemas.keys()
    assert "$defs" not in json.dumps(document)
    assert "HTTPValidationError" not in operations["listImages"]["responses"]["422"]["content"]
