"""The gateway as a process: a real API server, workers and S3 server behind real HTTP."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from imagejob_dev.gateways import ACCOUNT
from PIL import Image
from support import gateway as gateways
from support.answers import Answer
from support.conditions import until
from support.gateway import Gateway
from support.gateway_scenarios import FORM, UPLOAD, file, form
from support.tenant import Tenant, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from support.helm_chart import Helm

pytestmark = [pytest.mark.laptop, pytest.mark.usefixtures("operator")]

MAX_BYTES = 1024 * 1024
REMOVED = "an upload failed, and was removed"
"""In the gateway's log, once nothing of an upload is left."""


@pytest.fixture(scope="module")
def team(cluster: Client, helm: Helm) -> Iterator[Tenant]:
    outputs = {"name": "thumb", "width": 320, "format": "webp"}, {"name": "full"}
    with gateways.fresh_team(cluster, helm, *outputs) as found:
        yield found


@pytest.fixture(scope="module")
def gateway(team: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    with gateways.running(team, folder, maxBytes=MAX_BYTES) as found:
        yield found


SIZES = {"thumb": (320, 240), "full": (640, 480)}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("is_form", [False, True], ids=["raw", "form"])
def test_an_upload_becomes_outputs_that_the_gateway_leads_to(
    gateway: Gateway, team: Tenant, kind: str, *, is_form: bool
) -> None:
    data, declared = picture(kind=kind), f"image/{kind.lower()}"
    token = gateway.token(f"{kind} {is_form}")
    part = (file(filename="../../etc/passwd", kind=declared), data)
    body, sent_as = (form(part, profile="web"), FORM) if is_form else (data, declared)

    answer = gateway.request("POST", UPLOAD, body, token, Content_Type=sent_as)

    assert answer.status == 202, answer.body
    where = answer.headers["location"]
    name = where.rpartition("/")[2]
    assert answer.json()["source"]["sha256"] == hashlib.sha256(data).hexdigest()
    status = team.wait_finished(name)
    assert status["phase"] == "Succeeded"
    assert (
        status["onBehalfOf"]
        == status["audit"][0]["onBehalfOf"]
        == f"{gateways.ISSUER}#{kind} {is_form}"
    )
    image = gateway.request("GET", where, token=token).json()
    assert [each["name"] for each in image["outputs"]] == ["thumb", "full"]
    for output in image["outputs"]:
        redirect = gateway.request("GET", output["link"], token=token)
        assert redirect.status == 307
        assert redirect.headers["x-content-type-options"] == "nosniff"
        stored, headers = fetch(redirect.headers["location"])
        assert hashlib.sha256(stored).hexdigest() == output["sha256"]
        assert headers["content-disposition"] == redirect.headers["content-disposition"]
        assert headers["content-type"] == f"image/{output['format']}"
        decoded = Image.open(io.BytesIO(stored))
        decoded.load()
        assert decoded.size == (output["width"], output["height"]) == SIZES[output["name"]]
        assert decoded.format == output["format"].upper()


def test_a_client_that_goes_away_leaves_nothing(gateway: Gateway, team: Tenant) -> None:
    """After all but the last byte, so the store has begun."""
    before = (sorted(team.keys()), images(team))
    removed = gateway.program.log.read_text().count(REMOVED)
    data = picture(1600, 1200)
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
    connection.putrequest("POST", UPLOAD)
    connection.putheader("Authorization", f"Bearer {gateway.token()}")
    connection.putheader("Content-Type", "image/jpeg")
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data[:-1])
    connection.close()

    until(lambda: gateway.program.log.read_text().count(REMOVED) > removed, gateways.SECONDS)
    assert (sorted(team.keys()), images(team)) == before


def test_another_subject_learns_nothing(gateway: Gateway) -> None:
    alice, bob = gateway.token("alice"), gateway.token("bob")
    answer = gateway.request("POST", UPLOAD, picture(), alice, Content_Type="image/jpeg")
    where = answer.headers["location"]
    missing = "/api/v1/images/img-000000000000000000000000"

    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/outputs/thumb")):
        theirs = gateway.request(method, where + path, token=bob)
        nobodys = gateway.request(method, missing + path, token=bob)
        assert theirs.status == nobodys.status == 404
        assert theirs.json().keys() == nobodys.json().keys()
    listed = gateway.request("GET", "/api/v1/images", token=bob).json()
    assert listed["images"] == []
    everybody = gateway.token("root", "all")
    assert gateway.request("GET", where, token=everybody).status == 200


def test_a_deleted_image_is_gone(gateway: Gateway, team: Tenant) -> None:
    token = gateway.token("carol")
    answer = gateway.request("POST", UPLOAD, picture(), token, Content_Type="image/jpeg")
    where = answer.headers["location"]
    name = where.rpartition("/")[2]
    listed = gateway.request("GET", "/api/v1/images", token=token).json()
    assert [each["name"] for each in listed["images"]] == [name]
    status = team.wait_finished(name)
    source = team.cluster.rest.get(f"{team.path('imagejobs')}/{name}")["spec"]["source"]["key"]
    stored = {source, *(output["key"] for output in status["outputs"])}
    assert stored <= set(team.keys())

    assert gateway.request("DELETE", where, token=token).status == 204

    assert gateway.request("GET", where, token=token).status == 404
    assert name not in images(team)
    assert not stored & set(team.keys())


def test_it_says_what_it_is_and_how_it_is(gateway: Gateway) -> None:
    root = gateway.request("GET", "/").json()
    health = gateway.request("GET", "/api/v1/health/", token=gateway.token())
    stats = gateway.request("GET", "/api/v1/health/stats", token=gateway.token(scope="all"))

    assert root["links"]["upload"] == UPLOAD
    assert health.status == 200, health.body
    assert [each["name"] for each in health.json()["dependencies"]] == [
        "API server",
        "store uploads",
        "profile web",
    ]
    assert stats.json()["byPhase"].keys() >= {"Succeeded", "Failed"}


def test_an_object_whose_imagejob_is_refused_is_removed(
    gateway: Gateway, team: Tenant, helm: Helm
) -> None:
    def refused() -> Answer | None:
        """The authorizer may let a request pass that comes soon after the change."""
        answer = gateway.request(
            "POST", UPLOAD, picture(), gateway.token("erin"), Content_Type="image/jpeg"
        )
        return answer if answer.status not in (200, 202) else None

    before = gateways.unnamed(team)
    reads = [{"op": "replace", "path": "/rules/0/verbs", "value": ["get", "list", "watch"]}]
    team.kubectl("patch", "role", ACCOUNT, "--type=json", f"--patch={json.dumps(reads)}")
    try:
        answer = until(refused, gateways.SECONDS)
    finally:
        gateways.give_rights(team, helm)

    assert (answer.status, answer.json()["reason"]) == (503, "ApiServerUnavailable")
    assert gateways.unnamed(team) == before
    until(lambda: refused() is None, gateways.SECONDS)
    ready = "/api/v1/health/ready"
    until(lambda: gateway.request("GET", ready).status == 200, gateways.SECONDS)


def test_a_store_that_is_down_takes_nothing(gateway: Gateway, team: Tenant) -> None:
    before = images(team)
    team.cluster.s3.stop()
    try:
        answer = gateway.request(
            "POST", UPLOAD, picture(), gateway.token(), Content_Type="image/jpeg"
        )
        health = until(lambda: unhealthy(gateway), gateways.SECONDS)
    finally:
        team.cluster.s3.start()

    assert (answer.status, answer.json()["reason"]) == (503, "StorageUnavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert health == {"API server": True, "stores": False, "profiles": True}
    assert gateway.request("GET", "/api/v1/health/ready").status == 200
    assert images(team) == before
    until(lambda: gateway.request("GET", "/api/v1/health/").status == 200, gateways.SECONDS)


def unhealthy(gateway: Gateway) -> dict[str, bool]:
    """Dependency → whether it works; empty while all do: the answer is shared for a moment."""
    answer = gateway.request("GET", "/api/v1/health/")
    found = {each["name"]: each["ready"] for each in answer.json()["dependencies"]}
    return found if answer.status == 503 else {}


def images(team: Tenant) -> list[str]:
    items = team.cluster.rest.get(team.path("imagejobs"))["items"]
    return sorted(item["metadata"]["name"] for item in items)


def fetch(url: str) -> tuple[bytes, dict[str, str]]:
    """Get a presigned URL, as a client would."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        assert response.status == 200, response.read()
        return response.read(), {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def test_metrics_are_on_a_port_of_their_own(gateway: Gateway) -> None:
    metrics = gateway._replace(port=gateway.metrics_port)
    token = gateway.token()
    gateway.request("POST", UPLOAD, picture(), token, Content_Type="image/jpeg")
    gateway.request("GET", f"/api/v1/images/{'x' * 20}", token=token)

    scraped = metrics.request("GET", "/metrics")

    lines = scraped.body.decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    labels = 'method="POST",route="/api/v1/images/upload",status="202"'
    assert float(values[f"imagejob_gateway_requests_total{{{labels}}}"]) >= 1
    assert float(values['imagejob_gateway_problems_total{reason="NotFound"}']) >= 1
    assert float(values['imagejob_gateway_store_requests_total{code="200",method="PUT"}']) >= 1
    assert float(values['imagejob_gateway_api_requests_total{code="201",verb="POST"}']) >= 1
    assert float(values["imagejob_gateway_received_bytes_total"]) >= len(picture())
    assert values["imagejob_gateway_uploads_in_progress"] == "0.0"
    assert values["imagejob_gateway_unwatched_kinds"] == "0.0"
    assert "x" * 20 not in scraped.body.decode()
    assert gateway.request("GET", "/metrics").status == 404
    assert metrics.request("GET", "/api/v1/images", token=token).status == 404
