"""Every kind of request, good and bad, to one gateway that runs: status, reason, and nothing left.

No operator runs: images stay as they were uploaded.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.ports import LOOPBACK
from support import gateway as gateways
from support.answers import Answer
from support.conditions import until
from support.gateway import Gateway
from support.gateway_bytes import RAW, Raw
from support.gateway_outage import WITHOUT_API_SERVER
from support.gateway_scenarios import CASES, JPEG, MAX_BYTES, UPLOAD, Case
from support.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from imagejob_dev.cluster import Cluster
    from support.helm_chart import Helm

pytestmark = pytest.mark.laptop

OF_EVERY_ANSWER = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@pytest.fixture(scope="module")
def team(cluster: Client, helm: Helm) -> Iterator[Tenant]:
    with gateways.fresh_team(cluster, helm, {"name": "thumb"}) as found:
        yield found


@pytest.fixture(scope="module")
def gateway(team: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    with gateways.running(team, folder, maxBytes=MAX_BYTES) as found:
        yield found


@pytest.fixture(scope="module")
def image(gateway: Gateway) -> str:
    """An image of alice's."""
    answer = gateway.request("POST", UPLOAD, JPEG, gateway.token(), Content_Type="image/jpeg")
    assert answer.status == 202, answer.body
    name: str = answer.json()["name"]
    return name


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_request_gets_its_answer(gateway: Gateway, team: Tenant, image: str, case: Case) -> None:
    before = stored(team) if case.path.startswith(UPLOAD) else {}

    answer = asked(gateway, image, case)

    assert answer.status == case.status, answer.body
    judge(answer, case.reason, case.names, has_body=case.method != "HEAD")
    assert case.answers.items() <= answer.headers.items()
    if before and case.reason:
        assert stored(team) == before


@pytest.mark.parametrize("case", RAW.values(), ids=RAW)
def test_bytes_on_a_socket_get_their_answer(
    gateway: Gateway, team: Tenant, image: str, case: Raw
) -> None:
    data = case.data.replace(b"TOKEN", gateway.token().encode()).replace(b"NAME", image.encode())
    before = stored(team)

    answer = spoken(gateway, data)

    assert answer.status == case.status, answer.body
    judge(answer, case.reason, case.names)
    assert stored(team) == before


def test_without_an_api_server_each_route_has_its_answer(
    gateway: Gateway, team: Tenant, image: str, cluster: Cluster
) -> None:
    objects = sorted(team.keys())
    cluster.apiserver.stop()
    try:
        unready = until(lambda: unready_of(gateway), gateways.SECONDS)
        answers = {name: asked(gateway, image, case) for name, case in WITHOUT_API_SERVER.items()}
        whole = gateway.request("GET", "/api/v1/health/")
    finally:
        cluster.apiserver.start()

    found = {name: (answer.status, reason_of(answer)) for name, answer in answers.items()}
    assert found == {name: (case.status, case.reason) for name, case in WITHOUT_API_SERVER.items()}
    for name, case in WITHOUT_API_SERVER.items():
        judge(answers[name], case.reason, case.names)
        assert (int(answers[name].headers.get("retry-after", 0)) > 0) == (case.status == 503)
    assert unready == {"API server": False}
    assert named(whole) == {"API server": False, "stores": True, "profiles": True}
    until(lambda: gateway.request("GET", "/api/v1/health/").status == 200, gateways.SECONDS)
    assert sorted(team.keys()) == objects
    assert asked(gateway, image, Case(200, path="/api/v1/images/NAME")).status == 200


def unready_of(gateway: Gateway) -> dict[str, bool]:
    """What makes it unready; empty while it is ready."""
    answer = gateway.request("GET", "/api/v1/health/ready")
    return named(answer) if answer.status == 503 else {}


def named(answer: Answer) -> dict[str, bool]:
    """Dependency → whether it works."""
    return {each["name"]: each["ready"] for each in answer.json()["dependencies"]}


def reason_of(answer: Answer) -> str:
    is_problem = answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["reason"]) if is_problem else ""


def test_there_are_enough_of_them() -> None:
    assert len(CASES) + len(RAW) >= 100
    assert all(bool(case.reason) == (case.status >= 400) for case in CASES.values())


def asked(gateway: Gateway, image: str, case: Case) -> Answer:
    token = None if case.scope is None else gateway.token(case.subject, case.scope)
    path = case.path.replace("NAME", image).replace("GONE", "img-" + "0" * 24)
    return gateway.request(case.method, path, case.body, token, **case.headers)


def judge(answer: Answer, reason: str, names: str, *, has_body: bool = True) -> None:
    """Check what every answer has, and what every problem has."""
    assert OF_EVERY_ANSWER.items() <= answer.headers.items()
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")
    assert answer.headers["x-request-id"]
    if not reason:
        return
    assert answer.headers["content-type"] == "application/problem+json"
    if not has_body:
        assert answer.body == b""
        return
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["reason"]) == (answer.status, reason)
    assert problem["type"] == f"urn:imagejob:problem:{reason}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["requestId"] == answer.headers["x-request-id"]
    assert not names or names in (problem.get("field"), problem.get("header"))


def spoken(gateway: Gateway, data: bytes) -> Answer:
    """Send bytes, and nothing more; return the first answer."""
    with socket.create_connection((LOOPBACK, gateway.port), timeout=gateways.SECONDS) as sock:
        sock.sendall(data)
        with sock.makefile("rb") as file:
            status = int(file.readline().split()[1])
            lines = iter(lambda: file.readline().decode().strip(), "")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            return Answer(status, headers, file.read(int(headers["content-length"])))


def stored(team: Tenant) -> dict[str, list[str]]:
    """All that uploads leave."""
    jobs = team.cluster.rest.get(team.path("imagejobs"))["items"]
    return {
        "objects": sorted(team.keys()),
        "jobs": sorted(each["metadata"]["name"] for each in jobs),
    }
