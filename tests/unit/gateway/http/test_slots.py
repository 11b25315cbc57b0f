"""What is no request for slots is refused before anything is reserved."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from imagejob_gateway.auth.tokens import Tokens, open_issuers
from imagejob_gateway.config import IssuerSettings, ProfileSettings, Settings, StoreSettings
from imagejob_gateway.http.app import application
from imagejob_gateway.http.services import Services
from support.answers import Answer
from support.asgi import request
from support.gateway import AUDIENCE, ISSUER, claims

KEY = "k" * 32
FILE = {"contentType": "image/jpeg", "length": 9}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """Whatever would reserve is missing."""
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_text(KEY)
    settings = Settings(
        "team-a",
        (StoreSettings("uploads", "/etc/store"),),
        (ProfileSettings("web"),),
        (IssuerSettings(ISSUER, AUDIENCE, str(path)),),
    )
    missing: dict[str, Any] = dict.fromkeys(Services._fields)
    tokens = Tokens(open_issuers(settings.issuers, settings.dial))
    return Services(**(missing | {"settings": settings, "tokens": tokens}))


def reserve(services: Services, body: bytes, scope: str = "upload") -> Answer:
    token = jwt.encode(claims(scope=scope), KEY, "HS256")
    app = application(services)
    return request(app, "POST", "/api/v1/uploads", body, authorization=f"Bearer {token}")


def files(**changes: Any) -> bytes:
    return json.dumps({"uploads": [FILE | changes]}).encode()


WRONG = {
    "nothing": (b"", 400, "InvalidRequest", None),
    "no JSON": (b"{", 400, "InvalidRequest", None),
    "no object": (b"[]", 422, "InvalidParameter", None),
    "no files": (b"{}", 422, "InvalidParameter", "uploads"),
    "an empty list": (b'{"uploads": []}', 422, "InvalidParameter", "uploads"),
    "too many files": (
        *(json.dumps({"uploads": [FILE] * 101}).encode(), 422, "InvalidParameter"),
        "uploads",
    ),
    "no length": (
        *(b'{"uploads": [{"contentType": "image/jpeg"}]}', 422, "InvalidParameter"),
        "uploads.0.length",
    ),
    "a length as text": (files(length="9"), 422, "InvalidParameter", "uploads.0.length"),
    "a negative length": (files(length=-1), 422, "InvalidParameter", "uploads.0.length"),
    "half a byte": (files(length=0.5), 422, "InvalidParameter", "uploads.0.length"),
    "a short digest": (files(sha256="ab"), 422, "InvalidParameter", "uploads.0.sha256"),
    "a digest in capitals": (files(sha256="A" * 64), 422, "InvalidParameter", "uploads.0.sha256"),
    "a digest and a line": (
        *(files(sha256="a" * 64 + "\n"), 422, "InvalidParameter"),
        "uploads.0.sha256",
    ),
    "an unknown field": (files(key="../x"), 422, "InvalidParameter", "uploads.0.key"),
    "a day": (
        *(json.dumps({"uploads": [FILE], "seconds": 86400}).encode(), 422, "InvalidParameter"),
        "seconds",
    ),
    "too long a body": (b" " * 200_000, 413, "TooLarge", None),
}


@pytest.mark.parametrize(("body", "status", "reason", "field"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(
    services: Services, body: bytes, status: int, reason: str, field: str | None
) -> None:
    problem = reserve(services, body).json()

    assert (problem["status"], problem["reason"]) == (status, reason)
    assert problem.get("field") == field


def test_the_scope_is_needed_before_the_body_is_read(services: Services) -> None:
    assert reserve(services, b"{", "read delete").json()["reason"] == "MissingScope"


@pytest.mark.parametrize("id_", ["0", "x" * 24, "0" * 25, "..%2f" + "0" * 19])
def test_an_id_is_one(services: Services, id_: str) -> None:
    token = jwt.encode(claims(), KEY, "HS256")
    path = f"/api/v1/uploads/{id_}"

    answer = request(application(services), "GET", path, authorization=f"Bearer {token}")

    assert answer.status in (404, 422)
