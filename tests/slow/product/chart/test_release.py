"""The life of a release on a real API server: install, upgrade, roll back, uninstall.

The dev cluster's node runs no pods with probes and accounts. So the chart's own pods are bound to
a node that doesn't exist, and the operator is a process here, with the account and the rights that
the chart created.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from imagejob_dev import policies
from imagejob_dev.client import CHART, OPERATOR_NAMESPACE
from imagejob_dev.errors import DevError
from imagejob_dev.ports import free_ports
from imagejob_operator.api.meta import API_VERSION
from support.conditions import until
from support.helm_chart import RELEASE, Body, Helm, Values
from support.tenant import Tenant, image_job, ours, picture
from support.worker_pods import running_pod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.cluster import Cluster

QUOTA_SECONDS = WORKERS_SECONDS = 90.0  # controllers discover new kinds every 30 s
ENDPOINTS = ("*", "http://127.0.0.1:*")
VALUES: Values = {
    "nodeSelector": {"example.com/there-is": "none"},
    "stores": {"allowed": [{"endpoint": each, "buckets": ["*"]} for each in ENDPOINTS]},
}
DEPLOYMENT = f"/apis/apps/v1/namespaces/{OPERATOR_NAMESPACE}/deployments/{RELEASE}"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/imagejobs.imagejob.dev"


class Release:
    """The only release, as an administrator handles it."""

    def __init__(self, helm: Helm, cluster: Cluster) -> None:
        self.helm = helm
        self.cluster = cluster

    def run(self, *command: str, values: Values | None = None) -> str:
        return self.helm(*command, f"--namespace={OPERATOR_NAMESPACE}", values=values)

    def install(self, name: str = RELEASE) -> str:
        return self.run("install", name, str(CHART), values=VALUES)

    def upgrade(self, **values: object) -> str:
        return self.run("upgrade", RELEASE, str(CHART), values={**VALUES, **values})

    @property
    def quota(self) -> str:
        """The settings of the operator."""
        pod = self.cluster.rest.get(DEPLOYMENT)["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        told = {each["name"]: str(each.get("value", "")) for each in container["env"]}
        return told["IMAGEJOB_QUOTA"]


@pytest.fixture(scope="module")
def release(bare: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """The installed release. A test that uninstalls it installs it again."""
    made = Release(Helm(tmp_path_factory.mktemp("admin"), bare.kubeconfig), bare)
    made.install()
    policies.wait_in_force(bare.rest, "team-a")
    yield made
    made.run("uninstall", RELEASE, "--ignore-not-found")


@pytest.fixture(scope="module")
def tenant(release: Release) -> Tenant:
    """A team whose bucket holds one photo."""
    made = Tenant(release.cluster, "team-a")
    made.put("incoming/cat.jpg", picture())
    made.open()
    return made


def succeeds(tenant: Tenant, name: str) -> bool:
    """Whether a new ImageJob succeeds."""
    tenant.apply(image_job(name, destination={"prefix": f"derived/{name}"}))
    return bool(tenant.wait_finished(name)["phase"] == "Succeeded")


def wait_for_garbage_collection(tenant: Tenant) -> None:
    """Wait until the garbage collector watches ImageJobs. It would not hear of deleted owners of a
    kind that it hasn't discovered, and once the CRD is gone it can't ask.
    """
    tenant.apply(image_job("owner", suspend=True))
    owner = {"apiVersion": API_VERSION, "kind": "ImageJob", "name": "owner"}
    references = [{**owner, "uid": tenant.uid("owner")}]
    owned = {"name": "owned", "ownerReferences": references}
    tenant.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": owned})
    tenant.kubectl("delete", "imagejob", "owner")
    configmaps = f"/api/v1/namespaces/{tenant.namespace}/configmaps"
    tenant.cluster.wait_for(
        configmaps,
        lambda found: None if "owned" in {each["metadata"]["name"] for each in found} else True,
        WORKERS_SECONDS,
    )


def refused(tenant: Tenant, body: Body) -> str:
    """The API server's objection to an object, or nothing."""
    try:
        dry_run(tenant, body)
    except DevError as error:
        return str(error)
    return ""


def dry_run(tenant: Tenant, body: Body) -> str:
    """The API server's answer to an object, which is not stored."""
    arguments = ("create", "--namespace", tenant.namespace, "--dry-run=server", "--filename=-")
    return tenant.cluster.kubectl(*arguments, stdin=json.dumps(body))


def test_an_installed_operator_has_the_rights_that_it_needs(
    release: Release, tenant: Tenant
) -> None:
    with release.cluster.operator():
        assert succeeds(tenant, "installed")


def test_the_notes_lead_to_a_first_result(release: Release) -> None:
    notes = release.run("get", "notes", RELEASE)

    _, _, rest = notes.partition("<<END\n")
    answer = release.cluster.kubectl(
        *("apply", "--namespace=team-b", "--dry-run=server", "--filename=-"),
        stdin=rest.partition("\nEND\n")[0],
    )
    assert "imagestore.imagejob.dev/uploads created" in answer
    assert "imagejob.imagejob.dev/first created" in answer


def test_what_helm_test_asks_is_answered_by_an_operator(release: Release) -> None:
    pod = yaml.safe_load(release.run("get", "hooks", RELEASE))
    (container,) = pod["spec"]["containers"]
    (script,) = container["args"]
    (port,) = free_ports(1)

    with release.cluster.operator(listen=f"127.0.0.1:{port}"):
        here = script.replace(f"{RELEASE}.{OPERATOR_NAMESPACE}.svc:8080", f"127.0.0.1:{port}")
        asked = subprocess.run(
            [sys.executable, *container["command"][1:], here],
            env={},
            capture_output=True,
            text=True,
            check=True,
        )

    assert here != script
    assert asked.stdout.splitlines()[-1].startswith("ready: {'role': 'leader'")


def test_an_upgrade_changes_what_was_asked_for_and_a_rollback_undoes_it(release: Release) -> None:
    before = release.quota

    release.upgrade(quota={"default": ["7/1m"]})
    upgraded = release.quota
    release.run("rollback", RELEASE)

    assert (before, upgraded, release.quota) == ("50/1h", "7/1m", "50/1h")


def test_an_upgrade_brings_the_crds_up_to_date(release: Release) -> None:
    crds = ("patch", "crd", "imagejobs.imagejob.dev", "--type=json")
    older = '[{"op": "remove", "path": "/spec/names/shortNames"}]'
    release.cluster.kubectl(*crds, f"--patch={older}")

    release.upgrade(maxWorkers=3)

    assert release.cluster.rest.get(CRD)["spec"]["names"]["shortNames"] == ["ij"]


def test_an_upgrade_narrows_where_stores_may_be(release: Release, tenant: Tenant) -> None:
    elsewhere = tenant.store("elsewhere", endpoint="https://s3.test")
    allowed = [{"endpoint": "https://s3.*.test", "buckets": ["media-*"]}]

    release.upgrade(stores={"allowed": allowed})
    refusal = until(lambda: refused(tenant, elsewhere))
    there = tenant.store("there", endpoint="https://s3.eu.test", bucket="media-a")
    taken = dry_run(tenant, there)
    release.run("rollback", RELEASE)

    assert "the platform allows no ImageStore of bucket" in refusal
    assert "imagestore.imagejob.dev/there created" in taken
    until(lambda: not refused(tenant, elsewhere))


def test_an_upgrade_bounds_what_a_tenant_makes(release: Release, tenant: Tenant) -> None:
    profile = ours("ImageProfile", "one-more", {"outputs": [{"name": "thumb", "width": 320}]})

    release.upgrade(tenants=["team-a"], tenantQuota={"count/imageprofiles.imagejob.dev": 0})
    refusal = until(lambda: refused(tenant, profile), QUOTA_SECONDS)
    release.run("rollback", RELEASE)

    # The quota controller may take minutes to count a new kind: until then the API server answers
    # "status unknown for quota", and rejects as well.
    assert "quota: imagejob, " in refusal
    assert "count/imageprofiles.imagejob.dev" in refusal
    until(lambda: not refused(tenant, profile))


def test_a_refused_value_changes_nothing(release: Release) -> None:
    with pytest.raises(DevError, match="/quota/default/0"):
        release.upgrade(quota={"default": ["lots"]})

    assert release.quota == "50/1h"


@pytest.mark.parametrize(
    ("name", "namespace"), [("second", OPERATOR_NAMESPACE), (RELEASE, "team-b")]
)
def test_a_second_release_is_rejected_and_the_message_names_the_first(
    release: Release, name: str, namespace: str
) -> None:
    message = f"in this cluster already, as release {RELEASE} in namespace {OPERATOR_NAMESPACE}"

    with pytest.raises(DevError, match=message):
        release.helm("install", name, CHART, f"--namespace={namespace}", values=VALUES)

    assert name not in release.helm("list", "--namespace=team-b", "--short").split()


def test_an_uninstalled_release_leaves_what_teams_made_and_comes_back_to_it(
    release: Release, tenant: Tenant
) -> None:
    with release.cluster.operator():
        assert succeeds(tenant, "before")
    told = release.run("uninstall", RELEASE)
    kept = tenant.kubectl("get", "imagejob/before", "imagestore/uploads", "--output=name")
    ledgers = release.cluster.kubectl("get", "configmap", "-n", OPERATOR_NAMESPACE, "-o", "name")

    release.install()
    policies.wait_in_force(release.cluster.rest, "team-a")

    assert "[CustomResourceDefinition] imagejobs.imagejob.dev" in told
    assert kept.split() == ["imagejob.imagejob.dev/before", "imagestore.imagejob.dev/uploads"]
    assert "configmap/ledger-team-a" in ledgers
    with release.cluster.operator():
        assert succeeds(tenant, "after")


def test_crds_that_are_not_to_be_kept_go_with_workers_and_all(
    release: Release, tenant: Tenant
) -> None:
    release.upgrade(crds={"keep": False})
    with socket.create_server((release.cluster.address, 0)) as silent:  # it never answers
        host, port = silent.getsockname()
        tenant.apply(tenant.store("silent", endpoint=f"http://{host}:{port}"))
        with release.cluster.operator():
            tenant.apply(image_job("at-work", store="silent"))
            running_pod(tenant, "at-work")
        wait_for_garbage_collection(tenant)

        release.run("uninstall", RELEASE)

        until(lambda: not release.cluster.rest.answers(CRD))
        tenant.wait_for_no_workers(WORKERS_SECONDS)
        release.cluster.wait_for(tenant.path("pods"), lambda pods: None if pods else True)
    release.install()
    assert release.cluster.rest.answers(CRD)
