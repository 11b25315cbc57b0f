"""The operator killed while ImageJobs are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenant import Body, Tenant, image_job, is_finished, picture

if TYPE_CHECKING:
    from imagejob_dev.client import Client

NAMES = [f"photo-{number}" for number in range(20)]


def test_killed_and_restarted_it_loses_nothing_and_repeats_nothing(
    cluster: Client, namespace: str
) -> None:
    team = Tenant(cluster, namespace)
    team.open()
    team.put("incoming/photo.jpg", picture(3000, 2000))
    before = team.version("jobs")
    with cluster.operator("killed-operator") as operator:
        team.apply(*(image_job(name, "incoming/photo.jpg") for name in NAMES))
        for finished in (1, 6, 12):
            _wait_for_finished(team, finished)
            operator.kill()
            operator.start()
        statuses = _wait_for_finished(team, len(NAMES))
        team.wait_for_no_workers()

    assert {status["phase"] for status in statuses} == {"Succeeded"}
    assert {f"derived/{name}/thumb.jpg" for name in NAMES} <= set(team.keys())
    made = [
        owner["name"]
        for event in team.history("jobs", before)
        for owner in event["object"]["metadata"]["ownerReferences"]
        if event["type"] == "ADDED"
    ]
    assert sorted(made) == sorted(NAMES)
    for status in statuses:
        assert [entry["seq"] for entry in status["audit"]] == list(
            range(1, len(status["audit"]) + 1)
        )


def _wait_for_finished(team: Tenant, count: int) -> list[Body]:
    def found(jobs: list[Body]) -> list[Body] | None:
        finished = [job["status"] for job in jobs if is_finished(job.get("status", {}))]
        return finished if len(finished) >= count else None

    path = f"/apis/imagejob.dev/v1alpha1/namespaces/{team.namespace}/imagejobs"
    return team.cluster.wait_for(path, found, 90.0)
