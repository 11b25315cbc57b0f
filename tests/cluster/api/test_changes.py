"""What may change in an existing ImageJob, by the rules of the CRD alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.api import IMAGING, RefusedError

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster
    from support.api import Api

SPEC = {
    "source": {"storeRef": {"name": "uploads"}, "key": "incoming/cat.jpg"},
    "outputs": [{"name": "thumb", "width": 320}, {"name": "full"}],
    "metadata": {"keep": ["icc"]},
}
UNSEEN = {"observedGeneration": 0}
"""The status before the operator's first look: outdated, so that nobody reads it as final."""


class Subject:
    """The ImageJob `cat` of a namespace."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api = api
        self.all = f"{IMAGING}/{namespace}/imagejobs"
        self.path = f"{self.all}/cat"

    def create(self, spec: dict[str, Any], **more: Any) -> None:
        self.api.post(f"{self.all}?fieldValidation=Strict", manifest(spec, **more))

    def patch(self, change: dict[str, Any]) -> None:
        self.api.merge(self.path, change)

    def patch_status(self, change: dict[str, Any] | None) -> None:
        self.api.merge(f"{self.path}/status", {"status": change})

    def reach(self, phase: str) -> None:
        self.patch_status({"phase": phase})

    def delete(self) -> None:
        self.api.send("DELETE", self.path)

    def read(self) -> dict[str, Any]:
        return self.api.get(self.path)


def manifest(spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    job = {"apiVersion": "imagejob.dev/v1alpha1", "kind": "ImageJob", "spec": spec, **more}
    return {**job, "metadata": {"name": "cat"}}


@pytest.fixture
def job(api: Api, namespace: str) -> Subject:
    """An existing ImageJob in a fresh namespace."""
    job = Subject(api, namespace)
    job.create(SPEC)
    return job


def test_defaults(job: Subject) -> None:
    spec = job.read()["spec"]
    defaults = {"priority": 0, "suspend": False, "retries": 3, "timeoutSeconds": 120}

    assert {key: value for key, value in spec.items() if key not in SPEC} == defaults
    assert spec["outputs"][1] == {
        "name": "full",
        "fit": "inside",
        "gravity": "center",
        "enlarge": False,
        "format": "auto",
        "lossless": False,
        "progressive": False,
        "animated": False,
    }


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("source", {"source": {"key": "incoming/dog.jpg"}}),
        ("source", {"source": {"sha256": "0" * 64}}),
        ("source", {"source": {"storeRef": {"name": "others"}}}),
        ("destination", {"destination": {"prefix": "derived/other"}}),
        ("outputs", {"outputs": [{"name": "thumb", "width": 640}, {"name": "full"}]}),
        ("outputs", {"outputs": [{"name": "thumb", "width": 320}]}),
        ("outputs", {"outputs": None, "metadata": None, "profileRef": {"name": "web"}}),
        ("profileRef", {"outputs": None, "metadata": None, "profileRef": {"name": "web"}}),
        ("metadata", {"metadata": {"keep": []}}),
        ("metadata", {"metadata": None}),
        ("limits", {"limits": {"maxFrames": 1}}),
        ("retries", {"retries": 4}),
        ("timeoutSeconds", {"timeoutSeconds": 60}),
    ],
)
def test_what_cannot_change(job: Subject, field: str, change: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refusal:
        job.patch({"spec": change})

    assert f"spec.{field}: Invalid value: {field} can't be changed" in str(refusal.value)


@pytest.mark.parametrize("phase", [None, "Pending", "Throttled", "Queued", "Running"])
def test_what_can_change_until_it_has_finished(job: Subject, phase: str | None) -> None:
    if phase:
        job.reach(phase)

    change = {"suspend": True, "priority": -7, "ttlSecondsAfterFinished": 60}
    job.patch({"spec": change})

    assert job.read()["spec"].items() >= change.items()

    job.patch({"spec": {"ttlSecondsAfterFinished": None}})

    assert "ttlSecondsAfterFinished" not in job.read()["spec"]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize(
    "change", [{"suspend": True}, {"priority": 1}, {"ttlSecondsAfterFinished": 60}], ids=str
)
def test_nothing_can_change_once_it_has_finished(
    job: Subject, phase: str, change: dict[str, Any]
) -> None:
    job.reach(phase)

    with pytest.raises(
        RefusedError, match="spec: Invalid value: spec can't be changed: the ImageJob"
    ):
        job.patch({"spec": change})


def test_metadata_can_change_once_it_has_finished(job: Subject) -> None:
    job.reach("Succeeded")

    job.patch({"metadata": {"labels": {"album": "cats"}, "finalizers": ["example.com/keep"]}})
    job.patch({"metadata": {"finalizers": None}})  # otherwise nothing could ever delete it

    assert job.read()["metadata"]["labels"] == {"album": "cats"}


def test_applying_it_again_is_no_change(cluster: Cluster, api: Api, namespace: str) -> None:
    job, text = Subject(api, namespace), json.dumps(manifest(SPEC))
    apply = ("apply", "--filename=-", f"--namespace={namespace}")
    cluster.kubectl(*apply, stdin=text)
    job.reach("Succeeded")
    before = job.read()
    cluster.kubectl(*apply, stdin=text)

    assert job.read()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        ("Succeeded", {"phase": "Running"}),
        ("Succeeded", {"phase": "Failed"}),
        ("Failed", {"phase": "Succeeded"}),
        ("Failed", {"phase": "Pending"}),
        ("Failed", {"phase": None}),
        ("Succeeded", None),
    ],
)
def test_a_finished_phase_never_changes(
    job: Subject, phase: str, status: dict[str, Any] | None
) -> None:
    job.reach(phase)

    with pytest.raises(
        RefusedError, match=r"status\.phase can't be changed: the ImageJob has finish"
    ):
        job.patch_status(status)

    assert job.read()["status"]["phase"] == phase


def test_the_rest_of_a_finished_status_can_be_completed(job: Subject) -> None:
    job.reach("Succeeded")

    job.patch_status({"outputSummary": "thumb, full (214.0 KiB of 3.1 MiB)"})

    assert job.read()["status"]["outputSummary"].startswith("thumb, full")


def test_an_unfinished_phase_may_go_back(job: Subject) -> None:
    for phase in ("Running", "Queued", "Throttled", "Pending", "Running"):
        job.reach(phase)

        assert job.read()["status"]["phase"] == phase


def test_an_unknown_phase_is_refused(job: Subject) -> None:
    with pytest.raises(RefusedError, match=r'status\.phase: Unsupported value: "Done"'):
        job.reach("Done")


def test_applying_an_imagejob_cannot_set_its_status(job: Subject) -> None:
    job.delete()
    job.create(SPEC, status={"phase": "Succeeded"})
    job.patch({"status": {"phase": "Succeeded"}})

    assert job.read()["status"] == UNSEEN


def test_the_same_name_can_be_used_again_after_deletion(job: Subject) -> None:
    job.reach("Failed")
    job.delete()
    job.create({**SPEC, "retries": 0})

    assert job.read()["status"] == UNSEEN


def test_the_largest_imagejob_stays_within_the_budget_of_rules(api: Api, namespace: str) -> None:
    """The API server stops evaluating rules that cost too much, and rejects the object."""
    output = {"width": 16383, "height": 16383, "fit": "contain", "format": "jpeg", "quality": 100}
    output |= {"maxBytes": "1048576Ki", "background": "#ffffffff", "cacheControl": "x" * 256}
    largest = {
        "source": {"storeRef": {"name": "s" * 253}, "key": "ä" * 512, "sha256": "0" * 64},
        "destination": {"storeRef": {"name": "s" * 253}, "prefix": "ä" * 256},
        "outputs": [{"name": f"{n:063}", **output} for n in range(16)],
        "metadata": {"keep": ["icc"]},
        "limits": {"maxBytes": "1048576Ki", "maxPixels": 1_000_000_000, "maxFrames": 10_000},
    }
    job = Subject(api, namespace)
    job.create(largest)
    job.patch({"spec": {"suspend": True}})
    job.reach("Succeeded")
    job.patch({"metadata": {"labels": {"album": "cats"}}})

    assert job.read()["spec"].items() >= {"suspend": True, "priority": 0}.items()
