"""Two operators, one of them leading: it hands over, dies, is paused, or loses the API server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from imagejob_operator.kube.lease import Lease, LeaseSpec, ObservedRecord
from support.conditions import until
from support.replicas import LEASE_SECONDS, pair
from support.tenant import Tenant, image_job, is_finished

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.client import Client
    from imagejob_dev.cluster import Cluster

    Measured = Callable[[str, object], None]

AT_ONCE = 1.0
HAND_OVER_SECONDS = 5.0
STOPPED, DEPOSED = 0, 3  # exit codes
MANY = 10
LEASE = "/apis/coordination.k8s.io/v1/namespaces/imagejob-system/leases/imagejob-operator"


def test_one_of_two_leads_and_does_all_the_work(cluster: Client, team: Tenant) -> None:
    with pair(cluster, team.namespace) as (leader, standby):
        _finish(team, "cat", "dog")

        assert leader.leads
        assert standby.stands_by(leader)
        assert leader.alive
        assert standby.alive
        assert leader.audit
        assert not standby.audit


def test_a_leader_that_stops_hands_over(
    cluster: Client, team: Tenant, record_property: Measured, pytestconfig: pytest.Config
) -> None:
    with pair(cluster, team.namespace) as (leader, standby):
        _finish(team, "before")
        transitions = _transitions(cluster)
        told = time.monotonic()
        leader.program.terminate()
        standby.wait_until_leads()
        led = time.monotonic() - told
        _finish(team, "after")
        worked = time.monotonic() - told
        code = leader.program.wait_ended()

        assert _transitions(cluster) == transitions + 1
    record_property("seconds until the other led, until its work was done", (led, worked))
    assert code == STOPPED
    assert leader.has_released
    assert worked < HAND_OVER_SECONDS or not pytestconfig.option.calm


def test_work_that_is_under_way_is_handed_over(
    cluster: Client, team: Tenant, record_property: Measured, pytestconfig: pytest.Config
) -> None:
    with pair(cluster, team.namespace, max_workers="1") as (leader, standby):
        _begin_many(team)
        told = time.monotonic()
        leader.program.terminate()
        standby.wait_until_leads()
        led = time.monotonic() - told
        team.wait_all(is_finished, MANY)

        assert leader.program.wait_ended() == STOPPED
    record_property("seconds until the other led", led)
    assert leader.has_released
    assert led < HAND_OVER_SECONDS or not pytestconfig.option.calm


def test_a_leader_that_is_killed_is_followed_once_its_lease_has_run_out(
    cluster: Client, team: Tenant, record_property: Measured, pytestconfig: pytest.Config
) -> None:
    with pair(cluster, team.namespace) as (leader, standby):
        killed = time.monotonic()
        leader.program.kill()
        standby.wait_until_leads()
        led = time.monotonic() - killed
        _finish(team, "after")

    record_property("seconds until the other led", led)
    assert not leader.has_released
    assert led < LEASE_SECONDS + HAND_OVER_SECONDS or not pytestconfig.option.calm


def test_a_leader_that_was_paused_ends_and_has_written_nothing_since(
    cluster: Client, team: Tenant
) -> None:
    """It is paused in the middle of its work, so that it wakes with many pending writes."""
    with pair(cluster, team.namespace, max_workers="1") as (leader, standby):
        names = _begin_many(team)
        leader.program.pause()
        unfinished = [name for name in names if not is_finished(team.status(name))]
        standby.wait_until_leads()
        team.wait_all(is_finished, MANY)
        team.wait_for_no_workers()
        jobs, workers = team.version("imagejobs"), team.version("jobs")
        said = len(leader.log)
        leader.program.resume()
        code = leader.program.wait_ended()

        assert unfinished
        assert code == DEPOSED
        assert "the lease was lost: the Lease " in leader.log[said:]
        assert not [line for line in leader.log[said:].splitlines() if line.startswith("{")]
        assert not team.history("imagejobs", jobs)
        assert not team.history("jobs", workers)
        assert standby.leads


def test_a_leader_that_was_paused_continues_without_a_rival(cluster: Client, team: Tenant) -> None:
    with pair(cluster, team.namespace) as (leader, standby):
        standby.program.stop()
        transitions = _transitions(cluster)
        leader.program.pause()
        _wait_until_run_out(cluster)
        leader.program.resume()
        _finish(team, "after")

        assert leader.leads
        assert _transitions(cluster) == transitions


def test_a_standby_stops_immediately(
    cluster: Client, team: Tenant, record_property: Measured, pytestconfig: pytest.Config
) -> None:
    with pair(cluster, team.namespace) as (leader, standby):
        told = time.monotonic()
        standby.program.terminate()
        code = standby.program.wait_ended()

        took = time.monotonic() - told

        assert code == STOPPED
        assert leader.leads
    record_property("seconds until it had ended", took)
    assert took < AT_ONCE or not pytestconfig.option.calm


def test_a_container_that_is_restarted_does_not_take_its_predecessor_for_itself(
    cluster: Client, team: Tenant
) -> None:
    with pair(cluster, team.namespace) as (leader, standby):
        leader.program.kill()
        leader.program.start()
        standby.wait_until_leads()
        leader.wait_until_stands_by(standby)
        _finish(team, "after")

        assert not leader.leads


@pytest.mark.laptop
@pytest.mark.parametrize("lease_seconds", [LEASE_SECONDS, 30])
def test_one_leads_after_the_api_server_was_away(
    cluster: Cluster, team: Tenant, lease_seconds: int
) -> None:
    """The outage outlasts the lease of 3 s, which ends the leader, but not that of 30 s."""
    is_long = lease_seconds == LEASE_SECONDS
    with pair(cluster, team.namespace, lease_seconds=str(lease_seconds)) as (leader, standby):
        cluster.apiserver.stop()
        try:
            standby.program.wait_until(lambda: standby.ready.status == 503, "cut off")
            if is_long:
                assert leader.program.wait_ended() == DEPOSED
            else:
                leader.program.wait_until(lambda: leader.ready.status == 503, "cut off")
            assert standby.alive
        finally:
            cluster.apiserver.start()
        if is_long:
            standby.wait_until_leads()
            leader.program.start()
            leader.wait_until_stands_by(standby)
        else:
            leader.wait_until_leads()
            standby.wait_until_stands_by(leader)
        _finish(team, "after")


def _finish(team: Tenant, *names: str) -> None:
    team.apply(*(image_job(name) for name in names))
    for name in names:
        assert team.wait_finished(name)["phase"] == "Succeeded"


def _begin_many(team: Tenant) -> list[str]:
    """Return their names, once the first of them has finished."""
    names = [f"photo-{number}" for number in range(MANY)]
    team.apply(*(image_job(name) for name in names))
    team.wait_all(is_finished, 1)
    return names


def _transitions(cluster: Client) -> int:
    return int(cluster.rest.get(LEASE)["spec"].get("leaseTransitions", 0))


def _wait_until_run_out(cluster: Client) -> None:
    """Wait as long as a watching candidate would."""

    def look() -> LeaseSpec:
        return msgspec.convert(cluster.rest.get(LEASE), Lease).spec

    seen = ObservedRecord(look(), time.monotonic())
    until(lambda: seen.again(look(), time.monotonic()).is_free(time.monotonic()))
