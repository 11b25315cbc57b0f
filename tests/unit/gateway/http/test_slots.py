"""What is no request for slots is refused before anything is reserved."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jwt
import pytest
from imagejob_gateway.auth.sealed import Kind
from imagejob_gateway.auth.seals import NewToken
from imagejob_gateway.auth.tokens import Tokens, open_issuers
from imagejob_gateway.config import IssuerSettings, ProfileSettings, Settings, StoreSettings
from imagejob_gateway.http.app import application
from imagejob_gateway.http.services import Services
from imagejob_gateway.slots.reservations import Reservations
from imagejob_gateway.state.owner import OwnerState, Slot
from imagejob_gateway.uploads.tally import Tally
from imagejob_operator.quota.rates import Rate
from support import gateway_services
from support.answers import Answer
from support.asgi import request
from support.gateway import AUDIENCE, ISSUER, claims
from support.state_shards import START

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


OWNER, ID, OTHER_ID = "0a" * 20, "0" * 24, "1" * 24
TOKENS = {
    "of no slot": (OTHER_ID, "mine", "open", "the slot isn't known, or not any more"),
    "of another slot": (ID, "another", "open", "the token isn't the slot's"),
    "of a complete upload": (ID, "mine", "completed", "the slot's token has completed its upload"),
    "forged": (ID, "forged", "open", "the slot's token is forged or too old"),
}


@pytest.mark.parametrize(("id_", "which", "phase", "why"), TOKENS.values(), ids=TOKENS)
def test_a_slot_token_that_is_refused_is_logged_with_its_reason(
    services: Services,
    id_: str,
    which: str,
    phase: Any,
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seals = gateway_services.services().seals
    tokens = {
        name: asyncio.run(seals.make(Kind.SLOT, OWNER, 60, id_)) for name in ("mine", "another")
    }
    tokens["forged"] = NewToken("slot-" + "A" * 76, "")
    slot = Slot(START, tokens["mine"].digest, "uploads", phase=phase)

    class State:
        async def read(self, _: str) -> OwnerState:
            return OwnerState(slots={ID: slot})

    state: Any = State()
    nothing: Any = None
    reservations = Reservations(services.settings, state, *[nothing] * 6)
    requests = Tally("requests", Rate(9, "1h"), lambda: 0)
    app = application(
        services._replace(reservations=reservations, seals=seals, slot_requests=requests)
    )

    with caplog.at_level("INFO"):
        bearer = f"Bearer {tokens[which].text}"
        answer = request(app, "GET", f"/api/v1/uploads/{id_}", authorization=bearer)

    assert answer.json()["detail"] == "The request needs a valid bearer token."
    (line,) = (each for each in caplog.records if "not authenticated" in each.getMessage())
    assert line.getMessage() == f"a request is not authenticated: {why}"
    assert answer.json()["requestId"] in str(vars(line))


@pytest.mark.parametrize("id_", ["0", "x" * 24, "0" * 25, "..%2f" + "0" * 19])
def test_an_id_is_one(services: Services, id_: str) -> None:
    token = jwt.encode(claims(), KEY, "HS256")
    path = f"/api/v1/uploads/{id_}"

    answer = request(application(services), "GET", path, authorization=f"Bearer {token}")

    assert answer.status in (404, 422)
