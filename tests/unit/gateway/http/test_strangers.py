"""What one subject learns of another's images: nothing, by no answer and by no answer's cost."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import jwt
import msgspec
import pytest
from imagejob_gateway.auth.caller import Caller
from imagejob_gateway.auth.tokens import Tokens, open_issuers
from imagejob_gateway.config import IssuerSettings
from imagejob_gateway.http.app import application
from imagejob_gateway.http.figures import figures
from imagejob_gateway.http.recent import Recent
from imagejob_gateway.images.api import ImagesApi
from imagejob_gateway.images.cache import NamespaceCache
from imagejob_gateway.images.kinds import LISTED, ListedImage
from imagejob_gateway.images.listing import page
from imagejob_gateway.images.manifest import NewImage, manifest
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.concurrency_limiter import AdaptiveConcurrencyLimiter
from imagejob_operator.kube.errors import NotFoundError
from imagejob_operator.observability.metrics import Metrics
from support.answers import Answer
from support.asgi import request
from support.gateway import AUDIENCE, ISSUER, claims
from support.gateway_services import DIAL, services

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fastapi import FastAPI

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
OTHER_ISSUER = "https://other.example"
IMAGES = "/api/v1/images"
HERS, NOBODYS = "img-111111111111111111111111", "img-000000000000000000000000"
UNLABELLED, DAMAGED = "made-with-kubectl", "damaged"
CREATED = "2026-11-22T10:00:00Z"
STATUS = {
    "phase": "Succeeded",
    "outputs": [
        {
            "name": "thumb",
            "key": "derived/a/thumb.webp",
            "format": "webp",
            "width": 1,
            "height": 1,
            "bytes": 1,
            "sha256": "b" * 64,
        }
    ],
}


class Asked(list[tuple[str, ...]]):
    """What the API server and the stores were asked for."""


class Api:
    """An API server with the ImageJobs that are given."""

    def __init__(self, bodies: dict[str, Any], asked: Asked) -> None:
        self.metrics = Metrics()
        self.limiter = AdaptiveConcurrencyLimiter()
        self._bodies = bodies
        self._asked = asked

    async def send(self, method: str, path: str, *_: object) -> bytes:
        self._asked.append((method, path))
        found = self._bodies.get(path.rpartition("/")[2])
        if found is None:
            raise NotFoundError(404, "not found")
        return json.dumps(found).encode()


class Buckets:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def open(self, name: str) -> Buckets:
        self._asked.append(("open", name))
        return self

    def download_url(self, key: str, *_: object) -> str:
        return f"https://s3.example/{key}"


def body(name: str, subject: str) -> dict[str, Any]:
    owner = Caller(ISSUER, subject, frozenset())
    new = NewImage(
        *(name, owner.owner, "web", "uploads", f"uploads/{name}", "a" * 64),
        on_behalf_of=owner.on_behalf_of,
        upload="1",
    )
    made = manifest(new, "team-a")
    times = {"uid": f"uid-{name}", "creationTimestamp": CREATED, "resourceVersion": "7"}
    return made | {"metadata": made["metadata"] | times, "status": STATUS}


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def app(tmp_path: Path, asked: Asked) -> FastAPI:
    """With an image of alice, one of nobody, and one that can't be read."""
    bodies = {HERS: body(HERS, "alice"), UNLABELLED: body(UNLABELLED, "x")}
    del bodies[UNLABELLED]["metadata"]["labels"]
    bodies[DAMAGED] = body(DAMAGED, "alice") | {"spec": 1}
    issuers = []
    for name, key in ((ISSUER, KEY), (OTHER_ISSUER, OTHER_KEY)):
        (tmp_path / key.decode()).write_bytes(key)
        issuers.append(IssuerSettings(name, AUDIENCE, str(tmp_path / key.decode())))
    api: Any = Api(bodies, asked)
    cluster = Cluster(api)
    cache = NamespaceCache(cluster)
    for name in (HERS, UNLABELLED):
        cache.put(listed(bodies[name]))
    buckets: Any = Buckets(asked)
    images = ImagesApi(api, cluster, cache, "team-a")
    tokens = Tokens(open_issuers(issuers, DIAL))
    return application(
        services(
            *issuers,
            tokens=tokens,
            images=images,
            cache=cache,
            buckets=buckets,
            stats=Recent(partial(figures, cache), 1.0),
        )
    )


def listed(made: dict[str, Any]) -> ListedImage:
    return msgspec.json.decode(json.dumps(made), type=LISTED.type)


def token(subject: str = "bob", key: bytes = KEY, **changes: Any) -> str:
    return jwt.encode(claims(subject, **changes), key, "HS256")


def sent(app: FastAPI, method: str, path: str, text: str) -> Answer:
    return request(app, method, path, authorization=f"Bearer {text}", x_request_id="abc-1")


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path of each route that is about one image."""
    return [
        (method.upper(), re.sub(r"{(?!name)\w+}", "thumb", path))
        for path, operations in app.openapi()["paths"].items()
        if "{name}" in path
        for method in operations
    ]


STRANGERS: dict[str, Callable[[], str]] = {
    "another subject": token,
    "the same subject of another issuer": lambda: token("alice", OTHER_KEY, iss=OTHER_ISSUER),
    "a subject in other letters": lambda: token("Alice"),
    "a subject that is hers with the issuer": lambda: token(f"{ISSUER}#alice"),
    "a subject that is her label": lambda: token(Caller(ISSUER, "alice", frozenset()).owner),
    "a subject with a claim of hers": lambda: token(owner="alice", preferred_username="alice"),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("name", [HERS, UNLABELLED, DAMAGED])
def test_anothers_image_is_as_one_that_does_not_exist(
    app: FastAPI, asked: Asked, stranger: Callable[[], str], name: str
) -> None:
    for method, path in routes(app):
        asked.clear()
        theirs = sent(app, method, path.format(name=name), stranger())
        cost = [tuple(word.replace(name, "NAME") for word in each) for each in asked]
        asked.clear()
        nobodys = sent(app, method, path.format(name=NOBODYS), stranger())

        assert (theirs.status, theirs.json()["reason"]) == (404, "NotFound"), path
        assert neutral(theirs, name) == neutral(nobodys, NOBODYS)
        assert cost == [tuple(word.replace(NOBODYS, "NAME") for word in each) for each in asked]
        assert "DELETE" not in {verb for verb, *_ in asked}


def neutral(answer: Answer, name: str) -> tuple[int, dict[str, str], bytes]:
    """The whole answer, but for the name; and for its length, which depends on that."""
    headers = {
        header: value for header, value in answer.headers.items() if header != "content-length"
    }
    return answer.status, headers, answer.body.replace(name.encode(), b"NAME")


def test_its_owner_sees_it_and_it_is_about_every_route(app: FastAPI) -> None:
    assert ("GET", f"{IMAGES}/{{name}}") in routes(app)
    assert ("DELETE", f"{IMAGES}/{{name}}") in routes(app)
    assert ("GET", f"{IMAGES}/{{name}}/outputs/thumb") in routes(app)
    assert sent(app, "GET", f"{IMAGES}/{HERS}", token("alice")).status == 200
    assert sent(app, "GET", f"{IMAGES}/{HERS}/outputs/thumb", token("alice")).status == 307
    assert sent(app, "GET", f"{IMAGES}/{UNLABELLED}", token("root", scope="all")).status == 200


def her_cursor() -> str:
    """As alice gets it for the page after her image."""
    first, second = (listed(body(name, "alice")) for name in (HERS, NOBODYS))
    return page([first, second], 1).cursor


LISTINGS = {
    "plainly": "",
    "of her content": f"?sha256={'a' * 64}",
    "of her profile": "?profile=web",
    "in her phase": "?phase=Succeeded&phase=Pending&phase=Failed",
    "all in one": "?limit=500",
    "by her cursor": f"?cursor={her_cursor()}",
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("query", LISTINGS.values(), ids=LISTINGS)
def test_a_list_has_only_ones_own(
    app: FastAPI, asked: Asked, stranger: Callable[[], str], query: str
) -> None:
    answer = sent(app, "GET", IMAGES + query, stranger())

    assert (answer.status, answer.json()) == (200, {"images": [], "next": None})
    assert not asked


@pytest.mark.parametrize("query", ["owner=alice", "sub=alice", "all=true"])
def test_a_list_can_t_be_asked_for_anothers(app: FastAPI, query: str) -> None:
    answer = sent(app, "GET", f"{IMAGES}?{query}", token())

    assert (answer.status, answer.json()["reason"]) == (422, "InvalidParameter")


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_counts_are_of_ones_own(app: FastAPI, stranger: Callable[[], str]) -> None:
    counts = sent(app, "GET", "/api/v1/health/stats", stranger()).json()

    assert counts["images"] == 0
    assert set(counts["byPhase"].values()) == {0}
    assert counts["byReason"] == {}
    assert counts["recentFailures"] == []
