"""Names that are already taken: by a tenant's own Job, or by a deleted ImageJob."""

from __future__ import annotations

import hashlib
import os
import signal
from typing import TYPE_CHECKING

import pytest
from imagejob_operator.imagejob.job_builder import worker_name
from support.ledgers import ledger_of
from support.tenant import Body, Tenant, image_job, reason, sleeper
from support.worker_pods import SLOW, process_of, running_pod

if TYPE_CHECKING:
    from imagejob_dev.program import Program

pytestmark = [pytest.mark.kubelet, pytest.mark.usefixtures("operator")]


def test_a_job_that_squats_on_the_next_names_does_no_harm(team: Tenant) -> None:
    team.apply(image_job("first"), image_job("cat", suspend=True))
    team.wait_finished("first")
    uid = team.uid("cat")
    ledger = ledger_of(team.cluster, team.namespace)
    assert ledger
    squatters = [worker_name([uid], ledger.number + ahead) for ahead in (1, 2, 3)]
    team.apply(*map(sleeper, squatters))

    team.patch("cat", suspend=False)
    ended = team.wait_finished("cat")

    assert ended["phase"] == "Succeeded"
    assert ended["worker"]["job"] not in squatters
    assert {f"job.batch/{name}" for name in squatters} <= set(
        team.kubectl("get", "jobs", "-o=name").split()
    )


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "while the operator is away"])
def test_a_successor_of_the_name_ends_with_its_own_bytes(
    team: Tenant, operator: Program, *, watched: bool
) -> None:
    """Its predecessor's worker still runs, and would write to the same place."""
    alone = alone_digests(team)
    team.apply(image_job("cat", "incoming/big.jpg", outputs=SLOW))
    running_pod(team, "cat")

    if not watched:
        operator.kill()
    team.kubectl("delete", "ij", "cat", "--cascade=orphan")
    team.apply(image_job("cat", outputs=SLOW))
    operator.start()
    ended = team.wait_finished("cat")
    team.wait_for_no_workers()

    assert digests(ended) == stored(team, ended) == alone


@pytest.mark.laptop
def test_a_successor_waits_for_a_worker_that_hears_nothing(team: Tenant) -> None:
    alone = alone_digests(team)
    team.apply(image_job("cat", "incoming/big.jpg", outputs=SLOW))
    deaf = process_of(running_pod(team, "cat"))
    os.kill(deaf, signal.SIGSTOP)

    team.kubectl("delete", "ij", "cat")
    team.apply(image_job("cat", outputs=SLOW))
    waiting = team.wait("cat", lambda status: reason(status) == "DestinationBusy")
    os.kill(deaf, signal.SIGCONT)
    ended = team.wait_finished("cat")

    assert waiting["phase"] == "Queued"
    assert digests(ended) == stored(team, ended) == alone


def alone_digests(team: Tenant) -> dict[str, str]:
    """The photo's outputs when nothing interferes."""
    team.apply(image_job("alone", outputs=SLOW))
    return digests(team.wait_finished("alone"))


def stored(team: Tenant, status: Body) -> dict[str, str]:
    """Output → SHA-256 of the stored object."""
    return {
        output["name"]: hashlib.sha256(team.get(output["key"])).hexdigest()
        for output in status["outputs"]
    }


def digests(status: Body) -> dict[str, str]:
    """Output → SHA-256 in the status."""
    return {output["name"]: output["sha256"] for output in status["outputs"]}
