"""The platform's list of networks reaches the worker, and decides which stores it connects to."""

from __future__ import annotations

import pytest
from support.tenant import Body, Tenant, image_job, reason


def words_of(status: Body) -> str:
    conditions = {each["type"]: each for each in status["conditions"]}
    return str(conditions["Ready"]["message"])


@pytest.mark.kubelet
def test_a_store_in_a_network_that_is_not_listed_is_refused_until_it_is(team: Tenant) -> None:
    with team.cluster.operator("operator-without-networks", internal_cidrs=""):
        team.apply(image_job("before"))
        refused = team.wait_finished("before")
    with team.cluster.operator("operator-with-a-network"):
        team.apply(image_job("after"))
        ended = team.wait_finished("after")

    assert (reason(refused), refused["attempts"]) == ("AccessDenied", 1)
    assert f"can't read incoming/cat.jpg: its address {team.cluster.address} is" in words_of(
        refused
    )
    assert "the platform doesn't list it in stores.internalCidrs" in words_of(refused)
    assert ended["phase"] == "Succeeded"
