"""Texts meant to become part of the worker Job's pod: each is rejected, or arrives inert.

Inert: the Job equals that of a harmless ImageJob, except for the order, which is base64, and the
names of what it mounts.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest
from support.raw_requests import IMAGING, Attacker, attacker
from support.smuggling import FULL, Smuggled, attempts, fields_of_text, fields_tried
from support.tenant import Body, Tenant, image_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client

CREATED, REFUSED = 201, (400, 422)
LOADED = {
    "labels": {
        "imagejob.dev/component": "worker",
        "app.kubernetes.io/name": "evil",
        "batch.kubernetes.io/job-name": "evil",
        "kueue.x-k8s.io/queue-name": "evil",
        "sidecar.istio.io/inject": "true",
    },
    "annotations": {
        "sidecar.istio.io/inject": "true",
        "container.apparmor.security.beta.kubernetes.io/worker": "unconfined",
        "batch.kubernetes.io/cronjob-scheduled-timestamp": "2001-01-01T00:00:00Z",
        "kubectl.kubernetes.io/default-container": "$(HOME)\n'\"}]{{ . }}",
    },
}
ORDER = re.compile("[A-Za-z0-9+/]+=*")


@pytest.mark.parametrize("kind", ["ImageJob", "ImageProfile", "ImageStore"])
def test_every_field_of_text_is_tried(kind: str) -> None:
    assert fields_of_text(kind) == fields_tried(kind)


@pytest.mark.parametrize("example", FULL)
def test_the_examples_are_taken_as_they_are(alice: Attacker, example: str) -> None:
    assert created(alice, FULL[example], "?dryRun=All")


@pytest.fixture(scope="module")
def alice(cluster: Client, shared_namespace: str) -> Attacker:
    return attacker(cluster, shared_namespace, "edit")


@pytest.fixture(scope="module")
def taken(alice: Attacker) -> list[Smuggled]:
    """For each field and text, the first variant that the API server accepts."""
    accepted: dict[tuple[object, ...], Smuggled] = {}
    for each in attempts():
        place = (each.body()["kind"], each.field, each.name)
        if place not in accepted and created(alice, each.body(), "?dryRun=All"):
            accepted[place] = each
    return list(accepted.values())


def created(alice: Attacker, body: Body, query: str = "") -> bool:
    answer = alice.send("POST", f"{IMAGING}/{body['kind'].lower()}s{query}", body)
    assert answer.status in (CREATED, *REFUSED), answer.text
    return answer.status == CREATED


FREE = {
    ("source", "key"), ("destination", "prefix"), ("outputs", 0, "cacheControl"), ("s3", "prefix"),
    ("s3", "caBundle"), ("s3", "credentials", "roleArn"), ("volume", "subPath"),
}  # fmt: skip


def test_few_fields_take_any_text(taken: list[Smuggled]) -> None:
    assert {each.field for each in taken} == FREE


@pytest.fixture(scope="module")
def jobs(
    cluster: Client, shared_namespace: str, alice: Attacker, taken: list[Smuggled]
) -> Iterator[dict[str, Body]]:
    """ImageJob → its worker Job, whose pod no node accepts. The plain ones are `plain-…`."""
    team = Tenant(cluster, shared_namespace)
    team.quota("1000/1h")
    assert created(alice, FULL["ImageProfile"])
    wanted = [plain(example) for example in FULL if "Store" in example]
    wanted += [asked(smuggled, number) for number, smuggled in enumerate(taken)]
    # No node has so many CPUs, so the Job stays and can be inspected.
    with cluster.operator("smuggling-operator", worker_cpu_millis="9999999"):
        yield {bodies[-1]["metadata"]["name"]: job_of(team, alice, bodies) for bodies in wanted}


def job_of(team: Tenant, alice: Attacker, bodies: list[Body]) -> Body:
    """Create these, the last of which is an ImageJob; return its worker Job, and delete that."""
    for body in bodies:
        assert created(alice, body), body
    name = bodies[-1]["metadata"]["name"]

    def found(jobs: list[Body]) -> Body | None:
        return next((job for job in jobs if name in owners(job)), None)

    job = team.cluster.wait_for(team.path("jobs"), found)
    team.cluster.rest.delete(f"{team.path('imagejobs')}/{name}")
    team.wait_for_no_workers()
    return job


def owners(job: Body) -> list[str]:
    return [owner["name"] for owner in job["metadata"].get("ownerReferences", [])]


def asked(smuggled: Smuggled, number: int) -> list[Body]:
    """The objects that bring the text into a Job: an ImageJob, and the profile or store with it."""
    body, name = smuggled.body(), f"smuggled-{number}"
    body["metadata"]["name"] = name
    job = body
    if body["kind"] == "ImageProfile":
        job = image_job(name, profileRef={"name": name})
    elif "profileRef" in body["spec"]:
        body["spec"]["profileRef"]["name"] = "web"
    elif body["kind"] == "ImageStore":
        job = image_job(name, store=name)
    job["metadata"] |= copy.deepcopy(LOADED)
    if "destination" in job["spec"]:
        # Its own: a second writer to one destination waits for the first one's worker.
        prefix = smuggled.text if smuggled.field[0] == "destination" else name
        job["spec"]["destination"] = {"prefix": prefix}
    if body["kind"] != "ImageStore":
        job["spec"]["source"]["storeRef"]["name"] = "plain-imagestore-with-a-secret"
    return [body] if job is body else [body, job]


def plain(example: str) -> list[Body]:
    body = copy.deepcopy(FULL[example])
    name = body["metadata"]["name"] = f"plain-{example.lower().replace(' ', '-')}"
    return [body, image_job(name, store=name)]


def bare(job: Body) -> Body:
    """What is the same for all stores of one type."""
    spec, metadata = copy.deepcopy(job["spec"]), copy.deepcopy(job["metadata"])
    del spec["selector"]
    pod = spec["template"]["spec"]
    for label in ("controller-uid", "job-name"):
        for prefix in ("", "batch.kubernetes.io/"):
            del spec["template"]["metadata"]["labels"][prefix + label]
    (container,) = pod["containers"]
    order = container["env"][0]
    assert ORDER.fullmatch(order.pop("value"))
    for amount in (container["resources"]["requests"], container["resources"]["limits"]):
        amount.clear()
    del pod["activeDeadlineSeconds"]
    for mount in container["volumeMounts"][1:]:
        mount.pop("subPath", None)
        mount["mountPath"] = mount["mountPath"].rpartition("/")[0]
    kept = {key: metadata[key] for key in ("labels", "annotations") if key in metadata}
    (owner,) = metadata["ownerReferences"]
    return {"metadata": {**kept, "owner": {**owner, "name": "", "uid": ""}}, "spec": spec}


def volumes(job: Body) -> str:
    """The type of store that it mounts."""
    listed: list[dict[str, Any]] = job["spec"]["template"]["spec"]["volumes"]
    return next(key for key in listed[-1] if key != "name")


def test_no_text_changes_the_job(jobs: dict[str, Body]) -> None:
    plain_ones = {volumes(job): bare(job) for name, job in jobs.items() if name.startswith("plain")}
    assert set(plain_ones) == {"secret", "projected", "persistentVolumeClaim"}
    for name, job in jobs.items():
        assert bare(job) == plain_ones[volumes(job)], name


def test_no_text_stands_anywhere_but_as_a_sub_path(
    jobs: dict[str, Body], taken: list[Smuggled]
) -> None:
    for number, each in enumerate(taken):
        job = copy.deepcopy(jobs[f"smuggled-{number}"])
        mounts = job["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
        paths = [mount.pop("subPath", None) for mount in mounts]
        expected = each.text if each.field == ("volume", "subPath") else None

        assert paths[-1] == (expected or paths[-1])
        assert each.text not in strings(job), each


def strings(value: Any) -> set[str]:
    """All texts in it."""
    if isinstance(value, dict):
        return set().union(*map(strings, value.values()), value)
    if isinstance(value, list):
        return set().union(*map(strings, value))
    return {str(value)}
