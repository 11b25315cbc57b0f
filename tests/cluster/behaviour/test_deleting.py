"""ImageJobs that are deleted at any point: what is reported, and what remains."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support import audit_log
from support.conditions import until
from support.tenant import Body, Tenant, image_job, is_finished, reason
from support.worker_pods import running_pod

if TYPE_CHECKING:
    from imagejob_dev.program import Program

pytestmark = pytest.mark.kubelet

LONG = [{"name": f"large-{number}", "width": 3000, "format": "avif"} for number in range(12)]
"""Outputs that take longer than an update of the quota's status."""

KEPT = {"finalizers": ["example.com/keep"]}


def kept(name: str, **spec: Any) -> Body:
    """An ImageJob with a finalizer of another party."""
    body = image_job(name, **spec)
    return {**body, "metadata": {**body["metadata"], **KEPT}}


def ends_of(operator: Program, uid: str) -> list[str]:
    """The reasons of its audit lines that record an end."""
    lines = audit_log.printed(operator.log)
    return [line.reason for line in lines if line.uid == uid and line.reason == "Cancelled"]


def delete(team: Tenant, *names: str) -> None:
    team.kubectl("delete", "imagejob", *names, "--wait=false")


def let_go(team: Tenant, *names: str) -> None:
    """Remove the finalizers, and wait until the ImageJobs are gone."""
    change = json.dumps({"metadata": {"finalizers": None}})
    for name in names:
        team.kubectl("patch", "imagejob", name, "--type=merge", f"--patch={change}")
        team.kubectl("wait", "--for=delete", f"imagejob/{name}", "--timeout=30s")


def test_one_that_runs_is_cancelled_and_its_worker_ends(team: Tenant, operator: Program) -> None:
    team.quota("50/1h")
    team.apply(kept("cat", key="incoming/big.jpg", outputs=LONG))
    running_pod(team, "cat")
    team.quota_status(lambda status: status.get("running") == 1)
    uid = team.uid("cat")

    delete(team, "cat")
    status = team.wait_finished("cat")

    assert (status["phase"], reason(status)) == ("Failed", "Cancelled")
    assert [entry["reason"] for entry in status["audit"]][-1] == "Cancelled"
    team.wait_for_no_workers()
    team.quota_status(lambda status: status.get("running") == 0)
    let_go(team, "cat")
    assert not any(key.startswith("derived/") for key in team.keys())  # noqa: SIM118 (a team is no dict)
    assert ends_of(operator, uid) == ["Cancelled"]


def test_those_that_wait_are_cancelled_and_cost_nothing(team: Tenant, operator: Program) -> None:
    team.quota("1/1h")
    team.apply(image_job("first"))
    team.wait_finished("first")
    team.apply(kept("second"), kept("third", suspend=True))
    team.wait("second", lambda status: status.get("phase") == "Throttled")
    uids = [team.uid(name) for name in ("second", "third")]

    delete(team, "second", "third")
    ends = team.wait_all(is_finished, 3)

    assert [reason(ends[name]) for name in ("second", "third")] == ["Cancelled"] * 2
    team.quota("2/1h")
    team.quota_status(lambda status: status.get("limits", [{}])[0].get("jobs") == 2)
    told = [line for line in audit_log.printed(operator.log) if line.uid in uids]
    assert "Admitted" not in {line.reason for line in told}
    team.apply(image_job("fourth"))
    team.wait_finished("fourth")
    quota = team.quota_status(lambda status: status["limits"][0]["used"] == 2)
    assert quota["waiting"] == 0
    let_go(team, "second", "third")
    assert [ends_of(operator, uid) for uid in uids] == [["Cancelled"]] * 2


@pytest.mark.parametrize("cascade", ["foreground", "background"])
def test_whatever_way_it_goes_nothing_is_left_at_work(
    team: Tenant, operator: Program, cascade: str
) -> None:
    team.quota("50/1h")
    team.apply(image_job("cat", "incoming/big.jpg", outputs=LONG))
    running_pod(team, "cat")
    uid = team.uid("cat")
    team.quota_status(lambda status: status.get("running") == 1)

    team.kubectl("delete", "imagejob", "cat", f"--cascade={cascade}")

    team.quota_status(lambda status: status.get("running") == 0)
    until(lambda: ends_of(operator, uid))
    assert ends_of(operator, uid) == ["Cancelled"]
