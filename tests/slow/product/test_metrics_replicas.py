"""Two operators are scraped: the leader says so, the standby says little but that it isn't."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families
from support import replicas
from support.conditions import until
from support.monitoring import get

if TYPE_CHECKING:
    from imagejob_dev.client import Client
    from support.replicas import Replica

FEW = 200
"""More than the series that don't depend on the cluster's size."""


def series(replica: Replica) -> dict[str, float]:
    """The series without labels, and the number of all as `""`."""
    text = get(replica.port, "/metrics").decode()
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    return {each.name: each.value for each in samples if not each.labels} | {"": len(samples)}


def test_one_leads_and_the_standby_has_few_series(cluster: Client) -> None:
    with replicas.pair(cluster, "scraped") as pair:
        leader, standby = series(pair.leader), series(pair.standby)

        assert (leader["imagejob_leader"], standby["imagejob_leader"]) == (1, 0)
        assert "imagejob_loop_age_seconds" not in standby
        assert standby["imagejob_lease_trouble"] == 0
        assert standby[""] < FEW

        pair.leader.program.terminate()
        until(lambda: series(pair.standby)["imagejob_leader"] == 1)
        until(lambda: "imagejob_loop_age_seconds" in series(pair.standby))
