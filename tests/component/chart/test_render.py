"""What Helm renders from the chart, before a cluster sees it."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from imagejob_dev.client import CHART, CRDS, OPERATOR_NAMESPACE
from imagejob_dev.errors import DevError
from imagejob_operator.config.settings import Settings, from_environment
from support.helm_chart import STAMPS, Body, of, one, operator_environment
from support.metadata_services import metadata_services
from support.paths import DATA

if TYPE_CHECKING:
    from support.helm_chart import Helm

FILES = DATA / "chart"
REQUESTER = "imagejob-requester"
ON_BEHALF_OF = "imagejob-on-behalf-of"


def test_it_is_without_a_fault_for_lint(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", CHART)


def test_every_setting_of_the_operator_is_reached_from_a_value(helm: Helm) -> None:
    values = yaml.safe_load((FILES / "every-setting.yaml").read_text())

    bodies = helm.template(values, f"--api-versions={STAMPS}", namespace="elsewhere")

    settings = from_environment(operator_environment(bodies))
    default = Settings(worker_image="")
    names = set(Settings.__struct_fields__) - {"timings"}  # only tests set these
    assert [name for name in names if getattr(settings, name) == getattr(default, name)] == []
    assert settings.worker_annotations == values["worker"]["annotations"]
    assert settings.worker_image_pull_secrets == ("registry", "mirror")
    assert settings.worker_cpu_millis == 2000
    assert settings.max_bytes == values["limits"]["maxBytes"]


def test_its_defaults_are_the_operator_s_own(defaults: list[Body]) -> None:
    environment = operator_environment(defaults)
    chosen = {"worker_image", "listen", "trust_requester", "trust_on_behalf_of", "instance"}

    settings, default = from_environment(environment), Settings(worker_image="")

    differing = {
        name
        for name in Settings.__struct_fields__
        if getattr(settings, name) != getattr(default, name)
    }
    assert differing == chosen
    assert settings.listen == ":8080"
    assert settings.worker_image == "ghcr.io/imagejob/imagejob-worker:0.1.0"


@pytest.mark.parametrize("value", ["off", "require", "prefer"])
def test_a_sandbox_that_is_off_may_be_written_without_quotes(helm: Helm, value: str) -> None:
    """YAML takes `off` for false."""
    bodies = helm.template(yaml.safe_load(f"worker: {{sandbox: {value}}}"))

    assert from_environment(operator_environment(bodies)).worker_sandbox == value


def test_a_digest_decides_whatever_the_tag(helm: Helm) -> None:
    digest = f"sha256:{'0' * 64}"

    bodies = helm.template({"image": {"tag": "edge", "digest": digest}})

    (container,) = one(bodies, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"ghcr.io/imagejob/imagejob-operator:edge@{digest}"


CLUSTERS = {
    "a cluster that has it": (("--api-versions=v1/Pod", f"--api-versions={STAMPS}"), True),
    "a cluster that lacks it": (("--api-versions=v1/Pod",), False),
    "no cluster, 1.36": (("--kube-version=1.36.0",), True),
    "no cluster, 1.35": (("--kube-version=1.35.4",), False),
}


@pytest.mark.parametrize(("options", "stamped"), CLUSTERS.values(), ids=CLUSTERS)
def test_the_requester_is_trusted_with_the_policy(
    helm: Helm, options: tuple[str, ...], *, stamped: bool
) -> None:
    bodies = helm.template({}, *options)

    assert bool(of(bodies, "MutatingAdmissionPolicy", REQUESTER)) is stamped
    assert bool(of(bodies, "MutatingAdmissionPolicyBinding", REQUESTER)) is stamped
    assert from_environment(operator_environment(bodies)).trust_requester is stamped


def test_the_requester_is_not_trusted_without_the_policy(helm: Helm) -> None:
    bodies = helm.template({"policies": {"requester": {"enabled": False}}})

    assert not of(bodies, "MutatingAdmissionPolicy")
    assert not from_environment(operator_environment(bodies)).trust_requester


@pytest.mark.parametrize("enabled", [True, False])
def test_a_gateway_s_word_is_trusted_with_the_policy(helm: Helm, *, enabled: bool) -> None:
    bodies = helm.template({"policies": {"gateways": {"enabled": enabled}}})

    assert bool(of(bodies, "ValidatingAdmissionPolicy", ON_BEHALF_OF)) is enabled
    assert bool(of(bodies, "ValidatingAdmissionPolicyBinding", ON_BEHALF_OF)) is enabled
    assert from_environment(operator_environment(bodies)).trust_on_behalf_of is enabled


def test_an_old_cluster_is_refused(helm: Helm) -> None:
    with pytest.raises(DevError, match=r"requires kubeVersion: >=1\.32\.0-0"):
        helm.template({}, "--kube-version=1.31.9")


def test_in_another_namespace_nothing_is_left_in_the_usual_one(helm: Helm) -> None:
    bodies = helm.template({"networkPolicy": {"enabled": True}}, namespace="elsewhere")

    assert OPERATOR_NAMESPACE not in yaml.safe_dump(bodies)
    namespaces = {body["metadata"]["namespace"] for body in bodies if _is_namespaced(body)}
    assert namespaces == {"elsewhere"}


def _is_namespaced(body: Body) -> bool:
    return not body["kind"].startswith(("Cluster", "CustomResource", "Validating", "Mutating"))


@pytest.mark.parametrize("keep", [True, False])
def test_the_crds_are_those_of_the_repository(helm: Helm, *, keep: bool) -> None:
    bodies = of(helm.template({"crds": {"keep": keep}}), "CustomResourceDefinition")

    sources = [yaml.safe_load(file.read_text()) for file in CRDS.glob("*.yaml")]
    policies = {
        body["metadata"].get("annotations", {}).get("helm.sh/resource-policy") for body in bodies
    }
    assert policies == ({"keep"} if keep else {None})
    assert {body["metadata"]["name"]: body["spec"] for body in bodies} == {
        source["metadata"]["name"]: source["spec"] for source in sources
    }


def test_a_packaged_chart_holds_all_and_renders_the_same(
    helm: Helm, defaults: list[Body], tmp_path: Path
) -> None:
    helm("package", CHART, f"--destination={tmp_path}")

    (archive,) = tmp_path.glob("*.tgz")
    with tarfile.open(archive) as opened:
        members = {member.name: member for member in opened.getmembers()}
    assert all(member.isfile() for member in members.values())
    for file in ("LICENSE", "values.schema.json", "files/crds/imagejobs.yaml"):
        assert members[f"imagejob-operator/{file}"].size > 1000
    assert helm.template({}, chart=archive) == defaults


def test_a_copy_that_lost_its_crds_says_so(helm: Helm, tmp_path: Path) -> None:
    copy = tmp_path / "imagejob-operator"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("crds", "LICENSE"))

    with pytest.raises(DevError, match="This copy of the chart lacks its CRDs"):
        helm.template({}, chart=copy)


def test_it_can_be_part_of_another_chart(helm: Helm, tmp_path: Path) -> None:
    parent = tmp_path / "platform"
    (parent / "charts").mkdir(parents=True)
    (parent / "charts" / CHART.name).symlink_to(CHART)
    dependency = {"name": CHART.name, "version": "*", "condition": f"{CHART.name}.enabled"}
    meta = {
        "apiVersion": "v2",
        "name": "platform",
        "version": "1.0.0",
        "dependencies": [dependency],
    }
    (parent / "Chart.yaml").write_text(yaml.safe_dump(meta))

    bodies = helm.template(
        {CHART.name: {"enabled": True}, "global": {"region": "eu"}}, chart=parent
    )

    assert one(bodies, "Deployment")


def test_there_is_a_budget_for_disruptions_where_there_are_two(helm: Helm) -> None:
    alone, two = (helm.template({"replicas": count}) for count in (1, 2))

    assert not of(alone, "PodDisruptionBudget")
    assert one(two, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


IMPOSSIBLE = {
    "two without a Lease": (
        {"replicas": 2, "leaderElection": {"enabled": False}},
        "replicas: more than one requires leaderElection.enabled",
    ),
    "a ServiceMonitor without a Service": (
        {"metrics": {"enabled": False, "serviceMonitor": {"enabled": True}}},
        "metrics.serviceMonitor.enabled needs metrics.enabled",
    ),
}


@pytest.mark.parametrize(("values", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_work_together_is_refused(helm: Helm, values: Body, message: str) -> None:
    with pytest.raises(DevError, match=message):
        helm.template(values)


def test_without_a_lease_there_are_never_two(helm: Helm) -> None:
    bodies = helm.template({"replicas": 1, "leaderElection": {"enabled": False}})

    assert one(bodies, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}


def test_workers_never_reach_link_local_addresses(helm: Helm) -> None:
    policy = one(helm.template({"tenants": ["team-a"]}), "NetworkPolicy")

    blocks = [
        peer["ipBlock"]
        for rule in policy["spec"]["egress"]
        for peer in rule["to"]
        if "ipBlock" in peer
    ]
    taken_out = {block["cidr"]: block["except"] for block in blocks}
    assert "169.254.0.0/16" in taken_out["0.0.0.0/0"]
    assert "fe80::/10" in taken_out["::/0"]
    assert metadata_services() - {*taken_out["0.0.0.0/0"], *taken_out["::/0"]} == set()
    assert policy["spec"]["ingress"] == []
    assert policy["metadata"]["namespace"] == "team-a"
