"""The release is upgraded, rolled back and removed while ImageJobs are in progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.burst import UPLOAD, Burst
from support.ledgers import charges
from support.tenant import image_job

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.client import Client
    from support.release import Images, Release

COUNT = 100
ROLL = {"e2e.imagejob.dev/roll": "yes"}
"""Replaces the operators even if both commits have the same images."""


def test_upgrade_rollback_and_removal_lose_nothing_and_charge_nothing_twice(
    cluster: Client, release: Release, namespace: str, previous: tuple[Path, Images]
) -> None:
    chart, images = previous
    release.uninstall()
    release.install(chart, images)
    before = operators(release)
    burst = Burst(cluster, namespace, COUNT, at_once=5)  # so that it takes a while

    burst.wait_finished(5)
    release.install(podAnnotations=ROLL)
    upgraded = operators(release)
    assert burst.unfinished(), "all were done before the upgrade was"

    release.rollback()
    rolled_back = operators(release)
    assert burst.unfinished(), "all were done before it was rolled back"

    assert not before & upgraded
    assert not upgraded & rolled_back
    burst.assert_nothing_was_lost()
    assert burst.dispatches() == dict.fromkeys(burst.names, 1)

    statuses = burst.wait_finished()
    release.uninstall()
    assert_kept(cluster)
    assert burst.wait_finished() == statuses

    release.install()
    burst.team.apply(image_job("one-more", UPLOAD))
    burst.team.wait_finished("one-more")
    assert {**burst.wait_finished(COUNT + 1), "one-more": None} == {**statuses, "one-more": None}
    assert charges(cluster, namespace) == COUNT + 1


def operators(release: Release) -> set[str]:
    """The UIDs of the operators that should stay."""
    pods = [pod["metadata"] for pod in release.pods()]
    return {pod["uid"] for pod in pods if "deletionTimestamp" not in pod}


def assert_kept(cluster: Client) -> None:
    names = cluster.kubectl("get", "crd", "--output=name").split()
    kinds = ("imagejobs", "imageprofiles", "imagequotas", "imagestores")
    assert {
        f"customresourcedefinition.apiextensions.k8s.io/{kind}.imagejob.dev" for kind in kinds
    } <= {*names}
