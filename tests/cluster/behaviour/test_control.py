"""What people do to ImageJobs in progress: delete, suspend, change the priority."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from support import audit_log
from support.conditions import until
from support.ledgers import charges
from support.tenant import Body, Tenant, image_job, is_finished, reason
from support.worker_pods import SLOW, running_pod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imagejob_dev.client import Client
    from imagejob_dev.program import Program

pytestmark = [pytest.mark.kubelet, pytest.mark.usefixtures("operator")]


@pytest.fixture(scope="module")
def operator(cluster: Client) -> Iterator[Program]:
    # One worker per namespace: the second ImageJob waits while the first one holds the slot.
    with cluster.operator("control-operator", max_workers_per_namespace="1") as running:
        yield running


@pytest.fixture
def team(team: Tenant) -> Tenant:
    """A team with a store `locked`, whose Secret is missing so far."""
    team.apply(team.store("locked", opened_by="nobody-yet"))
    return team


@dataclass(frozen=True)
class Stage:
    """How an ImageJob reaches a stage, and what it has been charged by then.

    `before` is an ImageJob that takes the quota or the worker slot first.
    """

    job: Body
    reached: Callable[[Body], bool]
    charged: int
    before: Body | None = None
    quota: str = "50/1h"


def has_reason(wanted: str) -> Callable[[Body], bool]:
    return lambda status: reason(status) == wanted


FIRST = image_job("first")
BLOCKING = image_job("first", store="locked")
STAGES = {
    "before it can be admitted": Stage(image_job(store="none"), has_reason("StoreNotFound"), 0),
    "throttled": Stage(image_job(), has_reason("QuotaUsedUp"), 0, before=FIRST, quota="1/1h"),
    "waiting for a worker": Stage(image_job(), has_reason("WaitingForWorker"), 1, before=BLOCKING),
    "dispatched": Stage(image_job(store="locked"), has_reason("Dispatched"), 1),
    "running": Stage(
        image_job("cat", "incoming/big.jpg", outputs=SLOW), has_reason("Processing"), 1
    ),
    "backing off": Stage(image_job(store="down"), has_reason("StorageUnavailable"), 1),
    "finished": Stage(image_job(), is_finished, 1),
}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES.keys())
def test_deleted(team: Tenant, operator: Program, stage: Stage) -> None:
    team.quota(stage.quota)
    team.apply(team.store("down", endpoint=f"http://{team.cluster.address}:9"))
    for job in filter(None, (stage.before,)):
        team.apply(job)
        team.wait("first", lambda status: is_finished(status) or status.get("phase") == "Queued")
    team.apply(stage.job)
    team.wait("cat", stage.reached)
    uid = team.uid("cat")

    team.kubectl("delete", "ij", "--all")
    team.wait_for_no_workers()

    ended = "Succeeded" if stage.reached is is_finished else "Cancelled"
    until(lambda: last_reason(operator, uid) == ended)
    assert charges(team.cluster, team.namespace) == stage.charged + (stage.before is not None)


def last_reason(operator: Program, uid: str) -> str:
    """The last reason in the audit log."""
    return [line.reason for line in audit_log.read(operator.log) if line.uid == uid][-1]


def test_suspended_before_it_is_admitted_it_is_not_charged(team: Tenant) -> None:
    team.quota("1/1h")
    team.apply(image_job(suspend=True))
    team.wait("cat", has_reason("Suspended"))
    team.apply(FIRST)
    first = team.wait_finished("first")
    team.patch("cat", suspend=False)
    throttled = team.wait("cat", has_reason("QuotaUsedUp"))

    assert first["phase"] == "Succeeded"
    assert throttled["phase"] == "Throttled"
    assert charges(team.cluster, team.namespace) == 1


def test_suspended_after_it_is_admitted_it_keeps_its_charge_and_waits(team: Tenant) -> None:
    team.quota("2/1h")
    team.apply(BLOCKING)
    team.wait("first", has_reason("Dispatched"))
    team.apply(image_job())
    team.wait("cat", has_reason("WaitingForWorker"))

    team.patch("cat", suspend=True)
    suspended = team.wait("cat", has_reason("Suspended"))
    team.apply(team.secret("nobody-yet"))
    team.wait_finished("first")
    team.wait_for_no_workers()
    still = team.status("cat")
    team.patch("cat", suspend=False)
    ended = team.wait_finished("cat")

    assert (suspended["phase"], reason(still)) == ("Pending", "Suspended")
    assert ended["phase"] == "Succeeded"
    assert charges(team.cluster, team.namespace) == 2


def test_a_worker_at_work_is_not_stopped_by_suspending(team: Tenant) -> None:
    team.apply(image_job("cat", "incoming/big.jpg", outputs=SLOW))
    running_pod(team, "cat")
    team.patch("cat", suspend=True)

    assert team.wait_finished("cat")["phase"] == "Succeeded"


def test_a_higher_priority_goes_first(team: Tenant) -> None:
    team.quota("1/1h")
    team.apply(FIRST)
    team.wait_finished("first")
    team.apply(image_job("one"), image_job("other"))
    team.wait_all(has_reason("QuotaUsedUp"), 2)

    team.patch("other", priority=10)
    team.wait("other", lambda status: status["queue"]["position"] == 1)
    team.wait("one", lambda status: status["queue"]["position"] == 2)
    team.quota("2/1h")
    ended = team.wait_finished("other")

    assert ended["phase"] == "Succeeded"
    assert reason(team.status("one")) == "QuotaUsedUp"
