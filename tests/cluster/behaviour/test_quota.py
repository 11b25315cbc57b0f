"""Quotas as tenants see them: charged once, never refunded, and impossible to bypass."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from imagejob_operator.contract.order import Order, decode
from support import audit_log
from support.ledgers import charges
from support.recorder import Event, recording
from support.tenant import Body, Tenant, image_job, is_finished, reason

if TYPE_CHECKING:
    from imagejob_dev.program import Program

pytestmark = pytest.mark.usefixtures("operator")

AT_ONCE = 15.0  # the time of a worker, far below any window of these quotas
REPEATS = 30


def photos(first: int, last: int) -> list[Body]:
    return [image_job(f"photo-{n}") for n in range(first, last + 1)]


def is_throttled(status: Body) -> bool:
    return status.get("phase") == "Throttled"


def test_a_waiting_imagejob_shows_its_position_and_time(team: Tenant) -> None:
    team.quota("2/1h")
    team.apply(*photos(1, 2))
    team.wait_all(is_finished, 2)

    team.apply(*photos(3, 4))
    waiting = team.wait_all(is_throttled, 2)

    assert {reason(status) for status in waiting.values()} == {"QuotaUsedUp"}
    assert sorted(status["queue"]["position"] for status in waiting.values()) == [1, 2]
    assert all(status["queue"]["eligibleAt"] for status in waiting.values())


def test_the_quota_says_what_is_used(team: Tenant) -> None:
    team.quota("2/1h", "3/1d")
    team.apply(*photos(1, 3))
    team.wait_all(is_finished, 2)

    status = team.quota_status(lambda status: status.get("waiting") == 1)

    limits = [(each["per"], each["used"], each["remaining"]) for each in status["limits"]]
    assert limits == [("1h", 2, 0), ("1d", 2, 1)]
    assert status["limits"][0]["nextAvailable"]
    assert status["running"] == 0


def test_raising_a_quota_admits_them_immediately(team: Tenant) -> None:
    team.quota("2/1h")
    team.apply(*photos(1, 5))
    team.wait_all(is_throttled, 3)

    team.quota("5/1h")
    ended = team.wait_all(is_finished, 5, AT_ONCE)

    assert {status["phase"] for status in ended.values()} == {"Succeeded"}


def test_a_quota_that_is_lowered_takes_nothing_back(team: Tenant) -> None:
    team.quota("4/1h", maxRunning=1)
    team.apply(team.secret("later-s3"), team.store("later", opened_by="nobody-yet"))
    team.apply(*(image_job(f"photo-{n}", store="later") for n in (1, 2, 3)))
    team.wait_all(lambda status: status.get("phase") == "Queued", 3)

    team.quota("1/1h", maxRunning=1)
    team.apply(*photos(4, 4))
    team.wait("photo-4", is_throttled)
    team.apply(team.secret("nobody-yet"))
    ended = team.wait_all(is_finished, 3)

    assert {status["phase"] for status in ended.values()} == {"Succeeded"}
    assert "photo-4" not in ended


def test_where_waiting_is_not_wanted_it_fails(team: Tenant) -> None:
    team.quota("2/1h", onExceeded="Fail")
    team.apply(*photos(1, 5))
    ended = team.wait_all(is_finished, 5)

    told = Counter((status["phase"], reason(status)) for status in ended.values())
    assert told == {("Succeeded", "Succeeded"): 2, ("Failed", "QuotaExceeded"): 3}
    assert charges(team.cluster, team.namespace) == 2


def test_no_more_wait_than_may(team: Tenant) -> None:
    team.quota("1/1h", maxWaiting=2)
    team.apply(*photos(1, 1))
    team.wait_all(is_finished, 1)
    team.apply(*photos(2, 3))
    team.wait_all(is_throttled, 2)
    team.apply(*photos(4, 5))
    ended = team.wait_all(is_finished, 3)

    assert {name: reason(status) for name, status in ended.items()} == {
        "photo-1": "Succeeded",
        "photo-4": "QuotaExceeded",
        "photo-5": "QuotaExceeded",
    }
    assert is_throttled(team.status("photo-2"))
    assert is_throttled(team.status("photo-3"))


@pytest.mark.kubelet
def test_no_more_run_than_may(team: Tenant) -> None:
    team.quota("100/1h", maxRunning=2)
    with recording(team.cluster.rest, team.path("pods")) as pods:
        team.apply(*photos(1, 8))
        ended = team.wait_all(is_finished, 8)
        team.wait_for_no_workers()

    assert {status["phase"] for status in ended.values()} == {"Succeeded"}
    assert most_at_once(pods) == 2


@pytest.mark.kubelet
def test_deleting_and_applying_again_does_not_bypass_the_quota(
    team: Tenant, operator: Program
) -> None:
    team.quota("3/1h")
    (cat,) = photos(1, 1)
    uids = []
    for repeat in range(REPEATS):
        (made,) = team.create([cat])
        uids.append(made.uid)
        if repeat % 2:  # the others are deleted as soon as they exist
            team.wait("photo-1", lambda status: is_throttled(status) or is_finished(status))
        if repeat < REPEATS - 1:
            team.kubectl("delete", "ij", "photo-1")
    team.wait("photo-1", is_throttled)

    lines = audit_log.printed(operator.log)
    admitted = {line.uid for line in lines if line.reason == "Admitted"} & set(uids)
    assert len(admitted) == 3
    assert charges(team.cluster, team.namespace) == 3


def most_at_once(pods: list[Event]) -> int:
    """The largest number of ImageJobs in pods at any time, without those that had ended."""
    live: dict[str, int] = {}
    most = 0
    for event in pods:
        uid, status = event.object["metadata"]["uid"], event.object["status"]
        # A kubelet reports the end of a container some time before that of the pod.
        states = [each["state"] for each in status.get("containerStatuses", [])]
        ended = any("terminated" in state for state in states)
        if event.type == "DELETED" or ended or status["phase"] in ("Succeeded", "Failed"):
            live.pop(uid, None)
        else:
            live[uid] = len(order_of(event.object).items)
        most = max(most, sum(live.values()))
    return most


def order_of(pod: Body) -> Order:
    """The work order of its worker."""
    variables = {each["name"]: each.get("value") for each in pod["spec"]["containers"][0]["env"]}
    return decode(variables["IMAGEJOB_ORDER"])
