"""Strangers learn whether the gateway works, and not which stores it has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from imagejob_gateway.auth.tokens import Tokens, open_issuers
from imagejob_gateway.config import IssuerSettings
from imagejob_gateway.http import health
from imagejob_gateway.http.app import application
from imagejob_gateway.http.cached import Cached
from imagejob_gateway.http.health import API_SERVER, Health
from support.asgi import request
from support.gateway import AUDIENCE, ISSUER, claims
from support.gateway_services import DIAL, services

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

KEY = b"k" * 32
WHY = "The store originals can't be used now: it accepts no connection."


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    """Of two stores, one of which is down."""
    (tmp_path / "key").write_bytes(KEY)
    issuer = IssuerSettings(ISSUER, AUDIENCE, str(tmp_path / "key"))

    async def found() -> Health:
        return Health({API_SERVER: "", "store originals": WHY, "store archive": ""})

    tokens = Tokens(open_issuers([issuer], DIAL))
    return application(services(issuer, tokens=tokens, health=Cached(found, 1.0)))


def test_strangers_learn_that_a_store_fails_and_not_which(app: FastAPI) -> None:
    answer = request(app, "GET", "/api/v1/health/")

    assert (answer.status, answer.json()) == (
        503,
        {
            "live": True,
            "ready": False,
            "dependencies": [
                {"name": "API server", "ready": True, "message": None},
                {"name": "stores", "ready": False, "message": None},
            ],
        },
    )


def test_who_has_a_token_learns_which_and_why(app: FastAPI) -> None:
    token = jwt.encode(claims(scope="read"), KEY, "HS256")

    answer = request(app, "GET", "/api/v1/health/", authorization=f"Bearer {token}")

    assert answer.status == 503
    assert answer.json()["dependencies"][1:] == [
        {"name": "store originals", "ready": False, "message": WHY},
        {"name": "store archive", "ready": True, "message": None},
    ]


@pytest.mark.parametrize("shown", ["Bearer x", "Basic eDp5", ""])
def test_who_shows_what_is_no_token_gets_nothing(app: FastAPI, shown: str) -> None:
    assert request(app, "GET", "/api/v1/health/", authorization=shown).status == 401


def test_the_document_says_that_a_token_isn_t_needed(app: FastAPI) -> None:
    operation = app.openapi()["paths"]["/api/v1/health/"]["get"]

    assert operation["security"] == [{"HTTPBearer": []}, {}]


def test_a_store_that_does_not_answer_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks holds a connection meanwhile."""
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.01)

    class Silent:
        names = ("originals",)

        def open(self, _: str) -> Silent:
            return self

        async def check(self) -> None:
            await asyncio.Event().wait()

    async def run() -> Health:
        silent: Any = Silent()
        nothing: Any = None
        async with asyncio.timeout(10):
            return await health.health((), silent, (), nothing)

    found = asyncio.run(run())

    assert found.dependencies["store originals"].endswith("no answer in time.")
