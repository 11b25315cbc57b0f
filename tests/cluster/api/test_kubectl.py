"""What kubectl shows of the API: columns, names, selectors, explanations."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.apischema import NAMES

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster

VERSION = "imagejob.dev/v1alpha1"


def apply(cluster: Cluster, namespace: str, *objects: dict[str, Any]) -> None:
    text = yaml.safe_dump_all({"apiVersion": VERSION, **each} for each in objects)
    cluster.kubectl("apply", f"--namespace={namespace}", "--filename=-", stdin=text)


def image_job(name: str, **spec: Any) -> dict[str, Any]:
    source = {"storeRef": {"name": "uploads"}, "key": f"incoming/{name}.jpg"}
    spec = {"source": source, "profileRef": {"name": "web"}, **spec}
    return {"kind": "ImageJob", "metadata": {"name": name}, "spec": spec}


def set_status(cluster: Cluster, namespace: str, what: str, status: dict[str, Any]) -> None:
    cluster.kubectl(
        *("patch", what, f"--namespace={namespace}", "--subresource=status", "--type=merge"),
        f"--patch={json.dumps({'status': status})}",
    )


def ready(status: str, reason: str, message: str) -> list[dict[str, str]]:
    moment = "2026-11-22T10:00:00Z"
    condition = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return [{**condition, "lastTransitionTime": moment}]


def table(text: str) -> list[list[str]]:
    """The rows below the header, split at two or more spaces."""
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines()[1:]]


MISSING = 'there is no ImageStore "uploads" yet'
STANDINGS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "new": ({}, []),
    "pending": (
        {"phase": "Pending", "conditions": ready("False", "StoreNotFound", MISSING)},
        ["Pending", "StoreNotFound"],
    ),
    "throttled": (
        {
            "phase": "Throttled",
            "conditions": ready("False", "QuotaExceeded", "50 of 50 per 1h are used"),
            "queue": {"position": 4, "eligibleAt": "2026-11-22T11:00:00Z"},
        },
        ["Throttled", "QuotaExceeded"],
    ),
    "queued": (
        {"phase": "Queued", "conditions": ready("False", "Admitted", "waits for a worker")},
        ["Queued", "Admitted"],
    ),
    "running": (
        {
            "phase": "Running",
            "conditions": ready("False", "Processing", "runs on node n1"),
            "attempts": 1,
            "worker": {"job": "ij-7f3c", "pod": "ij-7f3c-x2k9q", "node": "n1"},
        },
        ["Running", "Processing"],
    ),
    "succeeded": (
        {
            "phase": "Succeeded",
            "conditions": ready("True", "Succeeded", "2 outputs in store uploads"),
            "attempts": 1,
            "worker": {"job": "ij-7f3c", "pod": "ij-7f3c-x2k9q", "node": "n1"},
            "outputSummary": "thumb, full (214.0 KiB of 3.1 MiB)",
        },
        ["Succeeded", "Succeeded", "thumb, full (214.0 KiB of 3.1 MiB)"],
    ),
    "failed": (
        {
            "phase": "Failed",
            "conditions": ready("False", "CorruptImage", "the JPEG ends after 41 % of its rows"),
            "attempts": 1,
            "worker": {"job": "ij-7f3c", "pod": "ij-7f3c-x2k9q", "node": "n1"},
        },
        ["Failed", "CorruptImage"],
    ),
}


@pytest.fixture
def standings(cluster: Cluster, namespace: str) -> str:
    """A namespace with an ImageJob in every phase, named after it."""
    apply(cluster, namespace, *(image_job(name) for name in STANDINGS))
    for name, (status, _) in STANDINGS.items():
        if status:
            set_status(cluster, namespace, f"imagejob/{name}", status)
    return namespace


def test_imagejobs_say_what_happened_and_why(cluster: Cluster, standings: str) -> None:
    shown = cluster.kubectl("get", "ij", f"--namespace={standings}")
    rows = {row[0]: row[1:-1] for row in table(shown)}

    assert shown.split("\n")[0].split() == ["NAME", "PHASE", "REASON", "OUTPUTS", "AGE"]
    assert rows == {name: columns for name, (_, columns) in STANDINGS.items()}


def test_the_wide_table_of_imagejobs_says_more(cluster: Cluster, standings: str) -> None:
    shown = cluster.kubectl("get", "ij", f"--namespace={standings}", "--output=wide")
    rows = {row[0]: row for row in table(shown)}

    assert rows["pending"][-3:] == ["incoming/pending.jpg", "web", MISSING]
    assert rows["throttled"][-3:] == ["4", "2026-11-22T11:00:00Z", "50 of 50 per 1h are used"]
    assert rows["failed"][-3:] == ["1", "ij-7f3c-x2k9q", "the JPEG ends after 41 % of its rows"]


def test_unfinished_imagejobs_can_be_selected(cluster: Cluster, standings: str) -> None:
    unfinished = "--field-selector=status.phase!=Succeeded,status.phase!=Failed"
    shown = cluster.kubectl("get", "ij", f"--namespace={standings}", unfinished)

    assert {row[0] for row in table(shown)} == STANDINGS.keys() - {"succeeded", "failed"}


def test_imagejobs_with_a_ttl_can_be_selected(cluster: Cluster, namespace: str) -> None:
    jobs = image_job("kept"), image_job("swept", ttlSecondsAfterFinished=0)
    apply(cluster, namespace, *jobs)
    with_ttl = "--field-selector=spec.ttlSecondsAfterFinished!="
    shown = cluster.kubectl("get", "ij", f"--namespace={namespace}", with_ttl)

    assert [row[0] for row in table(shown)] == ["swept"]


def test_the_other_kinds_have_telling_columns(cluster: Cluster, namespace: str) -> None:
    bucket = {"endpoint": "https://s3.example.com", "bucket": "team-a"}
    store = {"s3": {**bucket, "credentials": {"secretRef": {"name": "uploads"}}}}
    profile = {"outputs": [{"name": "full"}], "metadata": {"keep": ["icc"]}}
    profile |= {"limits": {"maxBytes": "50Mi", "maxPixels": 50_000_000}}
    quota = {"limits": [{"jobs": 50, "per": "1h"}]}
    apply(
        cluster,
        namespace,
        {"kind": "ImageStore", "metadata": {"name": "uploads"}, "spec": store},
        {"kind": "ImageProfile", "metadata": {"name": "web"}, "spec": profile},
        {"kind": "ImageQuota", "metadata": {"name": "default"}, "spec": quota},
    )
    used = {"jobs": 50, "per": "1h", "used": 50, "remaining": 0}
    used |= {"nextAvailable": "2026-11-22T11:00:00Z"}
    status = {"limits": [used], "waiting": 7, "running": 2}
    set_status(cluster, namespace, "iquota/default", status)

    def shown(kind: str) -> list[str]:
        (row,) = table(cluster.kubectl("get", kind, f"--namespace={namespace}"))
        return row[:-1]  # without the column AGE

    assert shown("istore") == ["uploads", "team-a", "https://s3.example.com"]
    assert shown("iprof") == ["web", "1", '["icc"]', "50Mi", "50000000"]
    assert shown("iquota") == ["default", "50", "1h", "50", "0", "2026-11-22T11:00:00Z", "7", "2"]


def test_one_category_shows_all_kinds(cluster: Cluster, namespace: str) -> None:
    quota = {"limits": [{"jobs": 50, "per": "1h"}]}
    apply(
        cluster,
        namespace,
        image_job("cat"),
        {"kind": "ImageQuota", "metadata": {"name": "default"}, "spec": quota},
    )
    shown = cluster.kubectl("get", "imaging", f"--namespace={namespace}", "--output=name")

    assert shown.split() == ["imagejob.imagejob.dev/cat", "imagequota.imagejob.dev/default"]


@pytest.mark.parametrize("kind", ["imagejob", "imagejobs", "ij", "imagejobs.imagejob.dev"])
def test_an_imagejob_goes_by_any_of_its_names(cluster: Cluster, namespace: str, kind: str) -> None:
    """A category of the same name would break `kubectl get imagejob cat`."""
    apply(cluster, namespace, image_job("cat"))
    for command in ("get", "describe", "delete"):
        assert "cat" in cluster.kubectl(command, kind, "cat", f"--namespace={namespace}")


def test_two_appliers_share_the_outputs_of_a_profile(cluster: Cluster, namespace: str) -> None:
    """With server-side apply, each entry of a list keyed by name belongs to its applier."""
    for applier, output in (("site", "thumb"), ("shop", "zoom")):
        spec = {"outputs": [{"name": output, "width": 320}]}
        profile = {"apiVersion": VERSION, "kind": "ImageProfile", "spec": spec}
        profile["metadata"] = {"name": "web"}
        cluster.kubectl(
            *("apply", "--server-side", f"--field-manager={applier}", f"--namespace={namespace}"),
            "--filename=-",
            stdin=json.dumps(profile),
        )
    names = "--output=jsonpath={.spec.outputs[*].name}"

    assert cluster.kubectl("get", "iprof", "web", f"--namespace={namespace}", names) == "thumb zoom"


@pytest.mark.parametrize("kind", NAMES)
def test_every_field_is_explained(cluster: Cluster, kind: str) -> None:
    spec = cluster.kubectl("explain", f"{kind}.spec")

    assert "<no description>" not in spec
    assert "<empty>" not in spec


def test_explaining_the_outputs_teaches(cluster: Cluster) -> None:
    text = " ".join(cluster.kubectl("explain", "imagejob.spec.outputs").split())

    assert "All but `inside` need both width and height." in text
    assert "name <string> -required-" in text
    assert "such as `300Ki`" in text
