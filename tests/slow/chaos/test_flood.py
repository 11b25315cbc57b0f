"""One tenant floods the cluster; another one, with ten images, hardly notices."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import pytest
from support import namespaces
from support.conditions import until
from support.tenant import Tenant, image_job, picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.client import Client

pytestmark = pytest.mark.crowd

FLOOD = 5000
TRIES_ALONE, TRIES_AMONG = 3, 5  # one may coincide with anything else on this machine
LATER = 60.0  # seconds: by then the rounds, the watches and the API server are all busy
# What the CPUs of this kind of machine allow, shared by two: its node doesn't count them itself.
SETTINGS = {"max_workers": "2", "max_workers_per_namespace": "1", "worker_parallelism": "1"}
LONG = 600.0


def test_ten_finish_within_twice_their_time_alone(
    cluster: Client,
    namespace: str,
    lenient_namespace: str,
    record_property: Callable[[str, object], None],
    pytestconfig: pytest.Config,
) -> None:
    few, many = tenant(cluster, namespace), tenant(cluster, lenient_namespace)
    for team in (few, many):
        team.quota("1000000/1h")
    with cluster.operator("flood-operator", **SETTINGS):
        seconds_for_ten(few, "warming-up")
        alone = median(seconds_for_ten(few, f"alone-{n}") for n in range(TRIES_ALONE))
        later = time.monotonic() + LATER
        many.create([image_job(f"photo-{n}", "incoming/photo.jpg") for n in range(FLOOD)])
        until(lambda: time.monotonic() >= later, LATER, every=0.1)
        among_many = median(seconds_for_ten(few, f"among-{n}") for n in range(TRIES_AMONG))
        left = FLOOD - finished(many)
    namespaces.remove(cluster, many.namespace, LONG)  # or the next test's operator has to do it

    ratio = among_many / alone
    record_property("ten ImageJobs alone (s)", round(alone, 2))
    record_property(f"ten ImageJobs while {FLOOD} wait (s)", round(among_many, 2))
    record_property("ratio", round(ratio, 2))
    assert left > FLOOD // 10  # the flood lasted the whole time
    assert ratio <= 2 or not pytestconfig.option.calm


def tenant(cluster: Client, namespace: str) -> Tenant:
    team = Tenant(cluster, namespace)
    team.put("incoming/photo.jpg", picture(1600, 1200))
    team.open()
    return team


def seconds_for_ten(team: Tenant, which: str) -> float:
    """From `apply` until the last has finished."""
    before = finished(team)
    began = time.monotonic()
    team.create([image_job(f"{which}-{n}", "incoming/photo.jpg") for n in range(10)])
    until_finished(team, before + 10)
    return time.monotonic() - began


def until_finished(team: Tenant, count: int) -> None:
    team.cluster.wait_for(succeeded(team), lambda jobs: len(jobs) >= count or None, LONG)


def finished(team: Tenant) -> int:
    return len(team.cluster.rest.get(succeeded(team))["items"])


def succeeded(team: Tenant) -> str:
    return f"{team.path('imagejobs')}?fieldSelector=status.phase=Succeeded"
