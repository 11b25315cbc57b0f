"""The gateway is killed before, during and after every outside effect of an upload; its client
comes again with the same key."""

from __future__ import annotations

import http.client
import itertools
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest
from support import failing_program
from support import gateway as gateways
from support.conditions import until
from support.failing_program import KILLED, FailPoint, Life
from support.states import charged, uploads_in_progress
from support.tenant import Tenant, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.client import Client
    from support.failing_program import Moment
    from support.gateway import Gateway
    from support.helm_chart import Helm

UPLOAD = "/api/v1/images/upload"
LEASE = 1
SECONDS = 120.0

STATE, BUCKET, IMAGES, LEFT = (
    "imagejob_gateway.state.shards:Shards",
    "imagejob_gateway.storage.bucket:Bucket",
    "imagejob_gateway.images.api:ImagesApi",
    "imagejob_gateway.uploads.attempts:LeftUploads",
)
EFFECTS: dict[tuple[str, str], tuple[Moment, ...]] = {
    (IMAGES, "read"): ("before", "after"),
    (STATE, "write"): ("before", "after"),
    (BUCKET, "put"): ("before", "during", "after"),
    (IMAGES, "create"): ("before", "after"),
    (LEFT, "settle"): ("before", "after"),
    (BUCKET, "remove"): ("before", "after"),
}
POINTS = [
    FailPoint(effect, moment, of, occurrence)
    for (of, effect), moments in EFFECTS.items()
    for moment in moments
    # The state is written when an upload begins, and again when it has ended.
    for occurrence in ((1, 2) if of == STATE else (1,))
]


@dataclass(frozen=True)
class Run:
    """What came of the uploads: the ImageJob that each key's answer names, once it was answered."""

    team: Tenant
    lives: list[Life]
    answered: dict[str, str]


@pytest.fixture(scope="module")
def run(cluster: Client, helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("gateway-failpoints")
    plan, report = folder / "plan", folder / "report"
    plan.write_bytes(msgspec.json.encode(POINTS))
    program = (failing_program.__file__, "imagejob_gateway.__main__", plan, report)
    with gateways.fresh_team(cluster, helm, {"name": "thumb", "width": 320}) as team:
        settings = {"leaseSeconds": LEASE, "limitPerSubject": "1000/1h"}
        with gateways.running(team, folder, program=program, **settings) as gateway:
            answered = dict(_uploads(gateway, report))
            until(lambda: not uploads_in_progress(team), SECONDS, every=0.2)
        yield Run(team, failing_program.lives(report), answered)


def test_it_was_killed_at_every_point(run: Run) -> None:
    assert [life.point for life in run.lives if life.outcome == KILLED] == POINTS


def test_each_key_has_one_imagejob_and_one_object(run: Run) -> None:
    items = run.team.cluster.rest.get(run.team.path("imagejobs"))["items"]

    assert len(set(run.answered.values())) == len(run.answered)
    assert {item["metadata"]["name"] for item in items} == set(run.answered.values())
    assert sorted(run.team.keys()) == sorted(item["spec"]["source"]["key"] for item in items)


def test_each_was_charged_once(run: Run) -> None:
    assert charged(run.team) == len(run.answered)


def _uploads(gateway: Gateway, report: Path) -> Iterator[tuple[str, str]]:
    """Upload one image after the other, each until it is answered, as long as lives end."""
    for number in itertools.count():
        key = f"key-{number}"
        yield key, until(partial(_upload, gateway, key), SECONDS, every=0.05)
        if len(failing_program.lives(report)) >= len(POINTS):
            return


def _upload(gateway: Gateway, key: str) -> str:
    """The ImageJob's name; "" if nobody answers, or the answer is to come again."""
    body = picture(1600, 1200) + key.encode()
    try:
        answer = gateway.request(
            "POST", UPLOAD, body, gateway.token(), Content_Type="image/jpeg", Idempotency_Key=key
        )
    except (OSError, http.client.HTTPException):
        return ""
    if answer.status in (409, 503):
        assert int(answer.headers["retry-after"]) > 0
        return ""
    assert answer.status in (200, 202), answer.body
    name: str = answer.json()["name"]
    return name
