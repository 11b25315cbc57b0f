"""Workers that can't start: reported soon, at no cost, until the cause is fixed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.tenant import Tenant, image_job, is_finished, reason

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Measured = Callable[[str, object], None]

pytestmark = pytest.mark.kubelet

SHOWN_SECONDS = 30.0
LONG = 120.0  # the Job controller retries at most once a minute
PHOTOS = [f"photo-{number}" for number in range(4)]
SOON = '{"replaced_after": 5}'  # how soon is not the point
MISSING = "registry.invalid/missing:v1"
NO_PODS = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "none"},
    "spec": {"hard": {"pods": "0"}},
}


def test_a_namespace_that_may_have_no_pods(
    team: Tenant, record_property: Measured, pytestconfig: pytest.Config
) -> None:
    team.apply(NO_PODS)
    with team.cluster.operator("operator-without-pods"):
        seconds = seconds_until_refused(team)
        team.kubectl("delete", "resourcequota", "none")
        assert_all_run_at_no_cost(team)

    record_property("seconds until it was shown", seconds)
    assert seconds <= SHOWN_SECONDS or not pytestconfig.option.calm


def test_an_image_that_cannot_be_pulled(
    team: Tenant, record_property: Measured, pytestconfig: pytest.Config
) -> None:
    with team.cluster.operator("operator-without-image", worker_image=MISSING):
        seconds = seconds_until_refused(team)
    with team.cluster.operator("operator-with-image", timings=SOON):
        assert_all_run_at_no_cost(team)

    record_property("seconds until it was shown", seconds)
    assert seconds <= SHOWN_SECONDS or not pytestconfig.option.calm


def seconds_until_refused(team: Tenant) -> float:
    """From `apply` until every ImageJob's status says so."""
    began = time.monotonic()
    team.apply(*(image_job(name) for name in PHOTOS))
    shown = team.wait_all(lambda status: reason(status) == "WorkerRefused", len(PHOTOS), LONG)
    took = time.monotonic() - began

    assert {status["phase"] for status in shown.values()} == {"Queued"}
    return took


def assert_all_run_at_no_cost(team: Tenant) -> None:
    ended = team.wait_all(is_finished, len(PHOTOS), LONG)

    assert {status["phase"] for status in ended.values()} == {"Succeeded"}
    assert {status["attempts"] for status in ended.values()} == {1}
    assert not any("lastFailure" in status for status in ended.values())
