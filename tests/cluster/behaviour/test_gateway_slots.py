"""Direct uploads by the programs in examples/gateway, from the announcement to the outputs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.ports import LOOPBACK
from support import gateway as gateways
from support.gateway import Gateway
from support.paths import ROOT, TESTS
from support.slot_gateway import send
from support.tenant import Tenant, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.client import Client
    from support.helm_chart import Helm

pytestmark = [pytest.mark.laptop, pytest.mark.usefixtures("operator")]

EXAMPLES = ROOT / "examples/gateway"
SECONDS = 90


@pytest.fixture(scope="module")
def team(cluster: Client, helm: Helm) -> Iterator[Tenant]:
    outputs = {"name": "thumb", "width": 16, "format": "webp"}, {"name": "full"}
    with gateways.fresh_team(cluster, helm, *outputs) as found:
        yield found


@pytest.fixture(scope="module")
def gateway(team: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateways.running(team, tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A photo, a picture, and what is none."""
    contents = {"a b.jpg": picture(64, 48), "c.png": picture(48, 64, "PNG"), "d.jpg": b"none" * 99}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return [str(tmp_path / name) for name in contents]


def url(gateway: Gateway) -> str:
    return f"http://{LOOPBACK}:{gateway.port}"


def test_the_page_for_browsers_uploads_and_shows_outputs(
    gateway: Gateway, files: list[str]
) -> None:
    """In node, which has all of a browser that the page needs but a document and CORS."""
    program = ["node", TESTS / "support/page.mjs", EXAMPLES / "upload.html"]

    done = subprocess.run(
        [*program, url(gateway), gateway.token(), *files],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    photo, drawing, other = found["shown"]
    assert photo[0] == "a b.jpg: uploading"
    assert photo[-1].startswith("a b.jpg: Succeeded ")
    assert drawing[-1].startswith("c.png: Succeeded ")
    assert other[-1].startswith("d.jpg: UnsupportedFormat: ")
    assert [len(each) for each in found["sizes"]] == [2, 2, 0]
    assert all(size > 0 for each in found["sizes"] for size in each)


def test_the_walk_through_with_curl_uploads_and_names_outputs(
    gateway: Gateway, files: list[str]
) -> None:
    done = subprocess.run(
        [EXAMPLES / "upload.sh", *files[:2]],
        env={**os.environ, "GATEWAY": url(gateway), "TOKEN": gateway.token("bob")},
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [lines[0], lines[3]] == [f"{files[0]}: Succeeded", f"{files[1]}: Succeeded"]
    for line in (lines[1], lines[4]):
        path = line.removeprefix("  16x").partition(url(gateway))[2]
        assert gateway.request("GET", path, token=gateway.token("bob")).status == 307


def test_a_put_after_it_is_complete_changes_nothing_that_is_processed(
    gateway: Gateway, team: Tenant
) -> None:
    """The other object is there before the worker is."""
    data, other = picture(64, 48), picture(48, 64)
    announced = {"contentType": "image/jpeg", "length": len(data)}
    slot = reserve(gateway, announced)
    assert send(slot, data)[0] == 200
    image = gateway.request("POST", slot["links"]["complete"], token=slot["token"])
    assert image.status == 202, image.body

    assert send(slot, other.ljust(len(data), b"\0")[: len(data)])[0] == 200

    name = image.json()["name"]
    status = team.wait_finished(name)
    assert (status["phase"], status["source"]["sha256"]) == (
        "Succeeded",
        hashlib.sha256(data).hexdigest(),
    )
    again = gateway.request("POST", slot["links"]["complete"], token=slot["token"])
    assert (again.status, again.json()["reason"]) == (409, "SlotUsed")


def reserve(gateway: Gateway, announced: dict[str, Any]) -> Any:
    body = json.dumps({"uploads": [announced]}).encode()
    answer = gateway.request(
        "POST", "/api/v1/uploads", body, gateway.token(), Content_Type="application/json"
    )
    assert answer.status == 201, answer.body
    return answer.json()["uploads"][0]
