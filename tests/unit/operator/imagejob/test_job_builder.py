"""The complete manifests: golden files, and the contract with the worker."""

from __future__ import annotations

import json
from typing import Any

import imagejob_worker.contract.order
import msgspec
import pytest
import yaml
from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.config.platform import SIZES, Platform, Size
from imagejob_operator.config.worker_pod import Toleration, WorkerPod
from imagejob_operator.contract import order
from imagejob_operator.imagejob import audit
from imagejob_operator.imagejob import job_builder as manifests
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.inputs import Inputs
from imagejob_operator.imagejob.resolve import Resolved
from imagejob_operator.kube import records
from imagejob_operator.quota.ledger import DispatchRecord, Ledger
from support.api_objects import NOW, PLATFORM, image_job, profile, store
from support.paths import DATA
from support.resolving import resolve

FILES = DATA / "golden"

CAT = image_job(profileRef={"name": "web"})
WORKLOAD_IDENTITY = {
    "s3": {
        "endpoint": "https://s3.test",
        "bucket": "team-a",
        "credentials": {"serviceAccountName": "uploader", "roleArn": "arn:aws:iam::1:role/r"},
    }
}
CASES = {
    "worker-job-secret": {"uploads": store()},
    "worker-job-volume": {"uploads": store(volume={"claimName": "photos", "subPath": "in"})},
    "worker-job-workload-identity": {"uploads": store(**WORKLOAD_IDENTITY)},
}


POD = WorkerPod(
    image_pull_secrets=("registry", "mirror"),
    node_selector={"kubernetes.io/arch": "amd64"},
    tolerations=(
        Toleration(key="images", operator="Exists", effect="NoSchedule"),
        Toleration("spot", "Equal", "yes", "NoExecute", toleration_seconds=60),
    ),
    annotations={"example.com/note": "one, two"},
    labels={"cost-centre": "media", "sidecar.istio.io/inject": "true"},
    priority_class_name="batch-low",
    runtime_class_name="gvisor",
)


def worker_job(
    stores: dict[str, ImageStore],
    *jobs: ImageJob,
    size: Size = "standard",
    platform: Platform = PLATFORM,
) -> manifests.Manifest:
    items = [item_of(job, stores) for job in jobs or (CAT,)]
    pending = manifests.compose(items, stores, platform, size=size)
    return manifests.worker_job("team-a", "ij-1", pending, stores, platform, size=size)


def item_of(job: ImageJob, stores: dict[str, ImageStore]) -> order.OrderItem:
    ready = resolve(job, profile() if job.spec.profile_ref else None, stores, PLATFORM)
    assert isinstance(ready, Resolved)
    return ready.item


def order_text(manifest: manifests.Manifest) -> str:
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    text: str = next(each["value"] for each in container["env"] if each["name"] == "IMAGEJOB_ORDER")
    return text


@pytest.mark.parametrize(("name", "stores"), CASES.items(), ids=CASES)
def test_a_worker_job_is_the_golden_one(name: str, stores: dict[str, ImageStore]) -> None:
    assert golden(name) == readable(worker_job(stores))


def test_what_the_platform_adds_is_the_golden_one() -> None:
    platform = Platform(worker_image="worker:1", pod=POD, internal_cidrs=("10.96.0.0/12",))

    manifest = worker_job({"uploads": store()}, platform=platform)

    assert golden("worker-job-platform") == readable(manifest)


def golden(name: str) -> manifests.Manifest:
    read: manifests.Manifest = yaml.safe_load((FILES / f"{name}.yaml").read_text())
    return read


def readable(manifest: manifests.Manifest) -> manifests.Manifest:
    """As JSON, with the decoded order in place of the encoded one."""
    read: manifests.Manifest = json.loads(json.dumps(manifest))
    said = msgspec.json.decode(msgspec.json.encode(order.decode(order_text(read))))
    read["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = said
    return read


def test_the_event_is_the_golden_one() -> None:
    entry = audit.entry(1, evaluate(Inputs(job=CAT), PLATFORM, NOW), NOW)

    event = records.event(CAT, entry, "operator-0")

    assert yaml.safe_load((FILES / "event.yaml").read_text()) == event


def test_the_worker_reads_the_order_as_it_was_meant() -> None:
    job = image_job(
        source={"storeRef": {"name": "uploads"}, "key": "in/$(AWS_SECRET_ACCESS_KEY)$$'\" .jpg"},
        metadata={"keep": ["icc"]},
        outputs=[{"name": "a", "width": 9, "height": 8, "fit": "cover", "maxBytes": "1Ki"}],
    )
    manifest = worker_job({"uploads": store()}, job)

    read = imagejob_worker.contract.order.decode(order_text(manifest))

    (item,) = read.items
    assert item.source.key == job.spec.source.key
    assert item.metadata.keep == ("icc",)
    assert (item.outputs[0].fit, item.outputs[0].max_bytes) == ("cover", 1024)
    assert item.limits.max_pixels == PLATFORM.limits.max_pixels
    assert read.stores["uploads"].s3 is not None
    assert read.child_memory_bytes == PLATFORM.memory.child_bytes


def test_no_text_of_the_order_reaches_the_kubelet_bare() -> None:
    job = image_job(source={"storeRef": {"name": "uploads"}, "key": "$(AWS_SECRET_ACCESS_KEY)"})

    manifest = worker_job({"uploads": store()}, job)

    assert "$(" not in msgspec.json.encode(manifest).decode()


def test_the_ledger_is_the_golden_one() -> None:
    new = Ledger(0).at(NOW, ())
    charged = new.charge(["uid-cat"]).dispatch("ij-1", DispatchRecord(("uid-cat",), "sha256:0"))

    ledger = records.ledger("imagejob-system", "team-a", charged.encode(), "7")

    assert yaml.safe_load((FILES / "ledger.yaml").read_text()) == ledger


def test_a_new_ledger_replaces_none() -> None:
    ledger = records.ledger("imagejob-system", "team-a", {}, None)

    assert "resourceVersion" not in ledger["metadata"]


@pytest.mark.parametrize("size", SIZES)
def test_a_size_tells_in_the_pod_and_in_the_order(size: Size) -> None:
    manifest = worker_job({"uploads": store()}, size=size)

    expected = PLATFORM.memory_of(size)
    read = imagejob_worker.contract.order.decode(order_text(manifest))
    assert resources(manifest) == {
        "requests": {"cpu": "250m", "memory": str(expected.pod_bytes)},
        "limits": {"memory": str(expected.pod_bytes)},
    }
    assert read.child_memory_bytes == expected.child_bytes


def test_a_worker_takes_as_many_as_are_sent_at_most_and_no_more() -> None:
    most, more = (worker_job({"uploads": store()}, *many(MAX_BATCH + each)) for each in (0, 1))

    assert len(imagejob_worker.contract.order.decode(order_text(most)).items) == MAX_BATCH
    with pytest.raises(imagejob_worker.contract.order.OrderError, match="items"):
        imagejob_worker.contract.order.decode(order_text(more))


LANES = {"one image": (1, 1), "two images": (2, 2), "more than there are lanes": (3, 2)}


@pytest.mark.parametrize(("count", "lanes"), LANES.values(), ids=LANES)
def test_a_pod_has_a_slot_for_each_image_up_to_the_platform_s(count: int, lanes: int) -> None:
    manifest = worker_job({"uploads": store()}, *many(count))

    read = imagejob_worker.contract.order.decode(order_text(manifest))
    memory = PLATFORM.memory.pod_bytes + (lanes - 1) * PLATFORM.memory.child_bytes
    assert PLATFORM.parallelism == 2
    assert read.parallelism == lanes
    assert resources(manifest)["requests"] == {"cpu": f"{250 * lanes}m", "memory": str(memory)}


def test_a_worker_of_several_belongs_to_them_all_and_has_time_for_them_all() -> None:
    manifest = worker_job({"uploads": store()}, *many(3, timeoutSeconds=100))

    owners = [each["uid"] for each in manifest["metadata"]["ownerReferences"]]
    pod = manifest["spec"]["template"]["spec"]
    assert owners == ["uid-photo-0", "uid-photo-1", "uid-photo-2"]
    assert pod["activeDeadlineSeconds"] == 300 + manifests.START_UP_SECONDS


def many(count: int, **spec: Any) -> list[ImageJob]:
    return [image_job(f"photo-{number}", **spec) for number in range(count)]


def resources(manifest: manifests.Manifest) -> dict[str, Any]:
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]["containers"][0]["resources"]
    return found


def test_the_name_of_a_worker_identifies_the_dispatch() -> None:
    names = {
        manifests.worker_name(["a", "b"], 1),
        manifests.worker_name(["b", "a"], 1),
        manifests.worker_name(["a", "b"], 2),
        manifests.worker_name(["a"], 1),
    }

    assert len(names) == 3
    assert all(len(name) == 19 and name.startswith("ij-") for name in names)


def test_a_worker_meets_the_restricted_pod_security_standard() -> None:
    pod: dict[str, Any] = worker_job({"uploads": store()})["spec"]["template"]["spec"]
    container = pod["containers"][0]["securityContext"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert {next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]} <= {
        "emptyDir",
        "secret",
    }
