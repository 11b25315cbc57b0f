"""Two gateways of one namespace, and what they remember together, on a real API server."""

from __future__ import annotations

import http.client
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
import yaml
from imagejob_dev.client import GATEWAY_CHART
from imagejob_gateway.auth.caller import Caller
from imagejob_gateway.state.shards import NAME, shard_of
from support import gateway as gateways
from support import states
from support.answers import Answer
from support.conditions import until
from support.gateway import ISSUER, Gateway
from support.helm_chart import of
from support.tenant import Tenant, ours, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from support.helm_chart import Helm

pytestmark = pytest.mark.laptop

UPLOAD = "/api/v1/images/upload"
LIMIT, REQUESTS, AT_ONCE = 50, 200, 64
LEASE = 2
SECONDS = 60.0


class Pair(NamedTuple):
    """Two replicas; both take the same tokens."""

    team: Tenant
    one: Gateway
    other: Gateway


@pytest.fixture(scope="module")
def pair(cluster: Client, helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    thumb = {"name": "thumb", "width": 320}
    with gateways.fresh_team(cluster, helm, thumb) as team:
        team.apply(ours("ImageProfile", "print", {"outputs": [thumb]}))
        settings = {
            "limitPerSubject": f"{LIMIT}/1h",
            "leaseSeconds": LEASE,
            "profiles": [{"name": "web"}, {"name": "print"}],
        }
        with (
            gateways.running(team, folder, name="one", **settings) as one,
            gateways.running(team, folder, one.key, name="other", **settings) as other,
        ):
            yield Pair(team, one, other)


def image(name: str) -> bytes:
    """Different bytes for each name."""
    return picture(320, 240) + name.encode()


def upload(gateway: Gateway, subject: str, body: bytes, key: str = "", profile: str = "") -> Answer:
    headers = {"Content_Type": "image/jpeg", **({"Idempotency_Key": key} if key else {})}
    path = f"{UPLOAD}?profile={profile}"
    return gateway.request("POST", path, body, gateway.token(subject), **headers)


def said(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json().get("reason") or ""


def made(team: Tenant, subject: str) -> list[str]:
    """The subject's ImageJobs."""
    owner = owner_of(subject)
    path = f"{team.path('imagejobs')}?labelSelector=imagejob.dev/owner={owner}"
    return [item["metadata"]["name"] for item in team.cluster.rest.get(path)["items"]]


def owner_of(subject: str) -> str:
    return Caller(ISSUER, subject, frozenset()).owner


def test_of_200_requests_at_once_at_two_replicas_exactly_the_limit_is_admitted(pair: Pair) -> None:
    subject = "eager"

    def one(number: int) -> Answer:
        return upload(pair[1 + number % 2], subject, image(f"e{number}"), f"k-{number}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(one, range(REQUESTS)))
    last = upload(pair.one, subject, image("one more"))

    admitted = [number for number, answer in enumerate(answers) if answer.status == 202]
    assert Counter(map(said, answers)) == {
        (202, ""): LIMIT,
        (429, "LimitExceeded"): REQUESTS - LIMIT,
    }
    assert len(made(pair.team, subject)) == LIMIT
    assert said(last) == (429, "LimitExceeded")
    assert 3500 < int(last.headers["retry-after"]) <= 3631
    # What is there needs nothing of the limit: the first answer may have been lost.
    assert one(admitted[0]).status == one(admitted[-1]).status == 200
    assert upload(pair.other, "another", image("another's")).status == 202


def test_a_limit_outlives_the_gateway_and_another_install_of_its_chart(
    pair: Pair, helm: Helm
) -> None:
    before = states.stored(pair.team)[owner_of("eager")]
    pair.one.program.stop()
    gateways.give_rights(pair.team, helm)
    bodies = of(helm.template({}, chart=GATEWAY_CHART, namespace=pair.team.namespace), "ConfigMap")
    by_flux = ("--server-side", "--force-conflicts", "--field-manager=flux")
    pair.team.cluster.kubectl("apply", *by_flux, "-f", "-", stdin=yaml.safe_dump_all(bodies))
    pair.one.program.start()

    assert states.stored(pair.team)[owner_of("eager")] == before
    assert said(upload(pair.one, "eager", image("again")))[0] == 429


def test_a_key_is_one_image_at_both_replicas(pair: Pair) -> None:
    body = image("with a key")

    first = upload(pair.one, "keyed", body, "k-1")
    again = [upload(gateway, "keyed", body, "k-1") for gateway in pair[1:]]

    assert first.status == 202
    assert {(each.status, each.json()["name"]) for each in again} == {(200, first.json()["name"])}
    assert again[0].headers["location"] == first.headers["location"]
    assert said(upload(pair.other, "keyed", image("other"), "k-1")) == (422, "KeyReused")
    assert said(upload(pair.other, "keyed", body, "k-1", "print")) == (422, "KeyReused")
    assert upload(pair.one, "keyed", body, "k-2").json()["name"] != first.json()["name"]
    theirs = upload(pair.one, "somebody", image("theirs"), "k-1")
    assert (theirs.status, len(made(pair.team, "keyed"))) == (202, 2)


def test_the_same_content_is_one_image_also_when_it_comes_at_once(pair: Pair) -> None:
    body = image("the same")
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda at: upload(pair[1 + at % 2], "twice", body), range(8)),
        )

    assert Counter(each.status for each in answers) == {202: 1, 200: 7}
    (name,) = made(pair.team, "twice")
    assert {each.json()["name"] for each in answers} == {name}
    assert upload(pair.one, "twice", body, profile="print").status == 202
    keys = {source_of(pair.team, each) for each in made(pair.team, "twice")}
    assert gateways.unnamed(pair.team) == set()
    assert len(keys) == 2


def test_a_key_is_held_while_its_upload_is_in_progress(pair: Pair) -> None:
    body = image("slow")
    connection = begin(pair.one, "slow", body, "k-slow")
    until(lambda: states.stored(pair.team).get(owner_of("slow")), SECONDS)

    meanwhile = upload(pair.other, "slow", body, "k-slow")
    connection.send(body[10:])
    answer = connection.getresponse()

    assert said(meanwhile) == (409, "InProgress")
    assert 0 < int(meanwhile.headers["retry-after"]) <= LEASE
    assert answer.status == 202
    connection.close()
    assert upload(pair.other, "slow", body, "k-slow").status == 200


def test_a_lease_is_renewed_as_long_as_the_upload_takes(pair: Pair) -> None:
    body = image("slower")
    connection = begin(pair.one, "slower", body, "k")

    def lease() -> int:
        state = states.stored(pair.team).get(owner_of("slower"))
        return max((each.until for each in state.uploads.values()), default=0) if state else 0

    first = until(lease, SECONDS)
    until(lambda: lease() > first + 1000 * LEASE, SECONDS, every=0.1)
    connection.send(body[10:])

    assert connection.getresponse().status == 202
    connection.close()


def test_a_client_that_goes_away_frees_its_key_and_its_place(pair: Pair) -> None:
    body = image("gone")
    connection = begin(pair.one, "gone", body, "k")
    until(lambda: states.stored(pair.team).get(owner_of("gone")), SECONDS)
    connection.close()

    until(lambda: owner_of("gone") not in states.stored(pair.team), SECONDS)
    assert upload(pair.other, "gone", body, "k").status == 202
    assert gateways.unnamed(pair.team) == set()


def test_a_state_that_a_tenant_has_changed_admits_nothing(pair: Pair) -> None:
    owner = owner_of("victim")
    path = f"/api/v1/namespaces/{pair.team.namespace}/configmaps/{NAME.format(shard_of(owner))}"
    pair.team.cluster.rest.send("PATCH", path, {"data": {owner: "{"}}, "merge").json()

    assert said(upload(pair.one, "victim", image("v"))) == (503, "StateUnreadable")

    pair.team.cluster.rest.send("PATCH", path, {"data": {owner: None}}, "merge").json()
    assert upload(pair.one, "victim", image("v")).status == 202


def test_where_the_quota_lets_none_wait_the_client_hears_when_to_come_again(pair: Pair) -> None:
    pair.team.quota("1/1h", onExceeded="Fail")
    later = (datetime.now(UTC) + timedelta(minutes=50)).strftime("%Y-%m-%dT%H:%M:%SZ")
    use = {"jobs": 1, "per": "1h", "used": 1, "remaining": 0, "nextAvailable": later}
    path = f"{pair.team.path('imagequotas')}/default/status"
    status = {"status": {"limits": [use]}}
    pair.team.cluster.rest.send("PATCH", path, status, "merge").json()

    answer = until(lambda: refused(pair.one), SECONDS)

    assert said(answer) == (429, "QuotaExceeded")
    assert 2900 < int(answer.headers["retry-after"]) <= 3001
    pair.team.kubectl("delete", "imagequota", "default")


def refused(gateway: Gateway) -> Answer | None:
    """The gateway learns of a quota by its watch."""
    answer = upload(gateway, "quota", image("quota"))
    return answer if answer.status == 429 else None


def begin(gateway: Gateway, subject: str, body: bytes, key: str) -> http.client.HTTPConnection:
    """Send the first ten bytes of an upload."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=SECONDS)
    connection.putrequest("POST", UPLOAD)
    connection.putheader("Authorization", f"Bearer {gateway.token(subject)}")
    connection.putheader("Content-Type", "image/jpeg")
    connection.putheader("Content-Length", str(len(body)))
    connection.putheader("Idempotency-Key", key)
    connection.endheaders(body[:10])
    return connection


def source_of(team: Tenant, name: str) -> str:
    job = team.cluster.rest.get(f"{team.path('imagejobs')}/{name}")
    key: str = job["spec"]["source"]["key"]
    return key
