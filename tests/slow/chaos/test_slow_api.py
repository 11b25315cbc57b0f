"""Each request takes 2 to 5 s: of two operators with the default Lease, one goes on leading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagejob_dev.client import OPERATOR, OPERATOR_NAMESPACE
from support.bad_api import BadApi, Fault
from support.conditions import until
from support.replicas import Replica
from support.tenant import image_job, is_finished

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster
    from support.tenant import Body, Tenant

pytestmark = pytest.mark.laptop  # they go by a proxy on this machine

DEFAULT = "15"
RENEWALS = 12
SECONDS = 150.0
LEASE = "/apis/coordination.k8s.io/v1/namespaces/imagejob-system/leases/imagejob-operator"


def test_the_lease_is_kept_and_imagejobs_end(cluster: Cluster, team: Tenant) -> None:
    def spec() -> Body:
        return cluster.rest.get(LEASE)["spec"]

    with BadApi(cluster) as bad:
        bad.fault = Fault("delay")
        kubeconfig = bad.kubeconfig_of(OPERATOR_NAMESPACE, OPERATOR)
        replicas = [
            Replica(cluster, f"slow-api-{letter}", kubeconfig, lease_seconds=DEFAULT)
            for letter in "ab"
        ]
        with replicas[0].program, replicas[1].program:
            until(lambda: any(each.leads for each in replicas), SECONDS, every=0.2)
            began, renewals = spec(), set()
            team.create([image_job(f"photo-{number}") for number in range(4)])

            def renewed() -> bool:
                renewals.add(spec()["renewTime"])
                return len(renewals) > RENEWALS

            until(renewed, SECONDS, every=0.1)
            ended = team.wait_all(is_finished, 4, SECONDS)

            assert {status["phase"] for status in ended.values()} == {"Succeeded"}
            assert spec()["acquireTime"] == began["acquireTime"]
            assert all(replica.program.running for replica in replicas)
            bad.fault = None
