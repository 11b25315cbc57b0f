"""From `kubectl apply` to status: a real API server, Job controller, workers and S3 server."""

from __future__ import annotations

import hashlib
import io
import socket

import pytest
from imagejob_dev.rest import ApiError
from imagejob_operator.imagejob.job_builder import worker_name
from PIL import Image
from support.tenant import Tenant, image_job, ours, picture, reason, sleeper

pytestmark = [pytest.mark.kubelet, pytest.mark.usefixtures("operator")]


def test_an_upload_becomes_its_outputs(team: Tenant) -> None:
    team.apply(image_job())
    status = team.wait_finished("cat")

    assert status["phase"] == "Succeeded", status
    (output,) = status["outputs"]
    stored = team.get(output["key"])
    assert output["key"] == "derived/cat/thumb.jpg"
    assert output["sha256"] == hashlib.sha256(stored).hexdigest()
    assert Image.open(io.BytesIO(stored)).size == (320, 240) == (output["width"], output["height"])
    assert [(entry["seq"], entry["event"], entry["reason"]) for entry in status["audit"]] == [
        (1, "Pending", "Requested"),
        (2, "Queued", "Admitted"),
        (3, "Queued", "Dispatched"),
        (4, "Running", "Processing"),
        (5, "Succeeded", "Succeeded"),
    ]


def test_a_tenant_s_namespace_admits_no_pod_less_hardened_than_a_worker(team: Tenant) -> None:
    plain = sleeper("plain")["spec"]["template"]

    with pytest.raises(ApiError, match="violates PodSecurity"):
        team.cluster.rest.post(
            f"/api/v1/namespaces/{team.namespace}/pods", {"metadata": {"name": "plain"}, **plain}
        )


@pytest.mark.laptop  # starting a pod may take a kubelet longer than a state lasts unwritten
def test_a_short_job_costs_one_status_write_and_one_event(team: Tenant) -> None:
    before = team.version("imagejobs")
    team.apply(image_job())
    team.wait_finished("cat")
    team.wait_for_no_workers()

    changes = [event["type"] for event in team.history("imagejobs", before)]
    assert changes == ["ADDED", "MODIFIED"]
    events = team.events("cat")
    assert [event["reason"] for event in events] == ["Succeeded"]


UPLOADS = {
    "text": b"This is no picture, whatever its name says.\n" * 20,
    "empty": b"",
    "cut": picture()[:4000],
    "big": picture(2000, 1500),
}
BAD = {
    "SourceNotFound": image_job("a", "incoming/nobody.jpg"),
    "AccessDenied": image_job("b", store="locked"),
    "StorageUnavailable": image_job("c", store="down", retries=0),
    "ChecksumMismatch": image_job("d", "cut", sha256="0" * 64),
    "UnsupportedFormat": image_job("e", "text"),
    "UnsupportedFormat of nothing": image_job("f", "empty"),
    "CorruptImage": image_job("g", "cut"),
    "TooLarge in bytes": image_job("h", "big", limits={"maxBytes": "1Ki"}),
    "TooLarge in pixels": image_job("i", "big", limits={"maxPixels": 100_000}),
}


def test_each_bad_upload_fails_with_its_reason_and_leaves_nothing(team: Tenant) -> None:
    for key, data in UPLOADS.items():
        team.put(key, data)
    before = team.keys()
    team.apply(
        team.secret("wrong", AWS_SECRET_ACCESS_KEY="wrong"),
        team.store("locked", opened_by="wrong"),
        team.store("down", endpoint=f"http://{team.cluster.address}:9"),
    )

    team.apply(*BAD.values())
    ended = {case: team.wait_finished(job["metadata"]["name"]) for case, job in BAD.items()}

    assert {case: case.split()[0] for case in BAD} == {
        case: reason(status) for case, status in ended.items()
    }
    assert {status["phase"] for status in ended.values()} == {"Failed"}
    assert sorted(team.keys()) == sorted(before)


def test_what_is_missing_is_waited_for(newcomer: Tenant) -> None:
    newcomer.put("incoming/cat.jpg", picture())

    newcomer.apply(image_job(profileRef={"name": "web"}))
    no_store = newcomer.wait("cat", lambda status: reason(status) == "StoreNotFound")
    newcomer.apply(newcomer.store())
    no_profile = newcomer.wait("cat", lambda status: reason(status) == "ProfileNotFound")
    newcomer.apply(ours("ImageProfile", "web", {"outputs": [{"name": "thumb", "width": 64}]}))
    no_secret = newcomer.wait("cat", lambda status: reason(status) == "Dispatched")
    newcomer.apply(newcomer.secret())
    ended = newcomer.wait_finished("cat")

    assert [each["phase"] for each in (no_store, no_profile, no_secret)] == [
        "Pending",
        "Pending",
        "Queued",
    ]
    assert ended["phase"] == "Succeeded"
    assert ended["profile"]["name"] == "web"


def test_kubectl_wait_returns(team: Tenant) -> None:
    team.put("incoming/text.jpg", UPLOADS["text"])
    team.apply(image_job("good"), image_job("bad", "incoming/text.jpg"))

    waits = {
        "imagejob/good": "Ready",
        "ij/good": "Finished",
        "ij/bad": "Finished",
    }
    for name, condition in waits.items():
        team.kubectl("wait", f"--for=condition={condition}", name, "--timeout=60s")


def test_a_spec_suspended_before_it_ran_runs_when_it_is_resumed(team: Tenant) -> None:
    team.apply(image_job(suspend=True))
    waiting = team.wait("cat", lambda status: reason(status) == "Suspended")
    team.patch("cat", suspend=False)
    ended = team.wait_finished("cat")

    assert waiting["phase"] == "Pending"
    assert ended["phase"] == "Succeeded"
    assert ended["observedGeneration"] == 2


def test_two_with_one_destination_run_one_after_the_other(team: Tenant) -> None:
    shared = {"destination": {"prefix": "derived/shared"}}

    team.apply(image_job("one", **shared), image_job("two", **shared))
    ended = [team.wait_finished(name) for name in ("one", "two")]

    assert [status["phase"] for status in ended] == ["Succeeded", "Succeeded"]
    histories = [[entry["reason"] for entry in status["audit"]] for status in ended]
    assert sum("DestinationBusy" in history for history in histories) == 1


def test_a_deleted_image_job_takes_its_worker_along(team: Tenant) -> None:
    team.apply(team.store("locked", opened_by="nobody-yet"))  # the worker's pod can't start
    team.apply(image_job(store="locked"))
    team.wait("cat", lambda status: reason(status) == "Dispatched")

    team.kubectl("delete", "ij", "cat", "--wait=false")

    team.wait_for_no_workers()


def test_a_job_that_squats_on_the_next_name_does_no_harm(team: Tenant) -> None:
    team.apply(image_job(suspend=True))
    uid = team.uid("cat")
    squatter = sleeper(worker_name([uid], 1))
    team.apply(squatter)

    team.patch("cat", suspend=False)
    ended = team.wait_finished("cat")

    assert ended["phase"] == "Succeeded"
    assert ended["worker"]["job"] == worker_name([uid], 2)
    assert squatter["metadata"]["name"] in team.kubectl("get", "jobs", "-o=name")


def test_a_worker_that_dies_is_reported_as_lost(team: Tenant) -> None:
    with socket.create_server((team.cluster.address, 0)) as silent:  # a store that never answers
        host, port = silent.getsockname()
        team.apply(team.store("silent", endpoint=f"http://{host}:{port}"))
        team.apply(image_job(store="silent", retries=0))
        running = team.wait("cat", lambda status: status.get("phase") == "Running")
        team.kubectl("delete", "pod", running["worker"]["pod"], "--grace-period=1", "--wait=false")
        ended = team.wait_finished("cat")

    assert (ended["phase"], reason(ended)) == ("Failed", "WorkerLost")
