"""The examples for Argo CD and Flux match the chart, the CRDs and each other.

The CRDs of Argo CD and Flux themselves are not checked here: they are 2 MB.
"""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml
from support import apischema
from support.paths import ROOT

Body = dict[str, Any]

GITOPS = ROOT / "gitops"
CHART = ROOT / "charts/imagejob-operator"
ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
KINDS = {apischema.crd(name)["spec"]["names"]["kind"] for name in apischema.NAMES}
EXAMPLES = {
    f"{path.parents[1].name}-{path.stem}": list(yaml.safe_load_all(path.read_text()))
    for path in sorted(GITOPS.glob("*/examples/*.yaml"))
}


def example(name: str, kind: str) -> Body:
    """The spec of the only object of that kind in an example."""
    (found,) = (body for body in EXAMPLES[name] if body["kind"] == kind)
    spec: Body = found["spec"]
    return spec


OPERATOR = example("argocd-operator", "Application")
RELEASE = example("flux-operator", "HelmRelease")
VALUES = {"Argo CD": OPERATOR["source"]["helm"]["valuesObject"], "Flux": RELEASE["values"]}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_the_chart_takes_the_values(values: Body) -> None:
    jsonschema.validate(values, SCHEMA)


def test_the_operator_is_installed_by_its_names() -> None:
    names = (ABOUT["name"], "imagejob-system")

    assert (
        names
        == (OPERATOR["source"]["helm"]["releaseName"], OPERATOR["destination"]["namespace"])
        == (RELEASE["releaseName"], EXAMPLES["flux-operator"][0]["metadata"]["name"])
    )
    assert (ROOT / OPERATOR["source"]["path"]).samefile(CHART)


def test_the_version_is_the_chart_s() -> None:
    chart = example("flux-operator", "OCIRepository")
    texts = [path.read_text() for path in (*GITOPS.rglob("*.yaml"), ROOT / "docs/gitops.md")]
    references = {ref for text in texts for ref in re.findall(r"\?ref=(\S+)", text)}

    assert chart["ref"]["tag"] == ABOUT["version"]
    assert chart["url"].rpartition("/")[2] == ABOUT["name"]
    assert references == {OPERATOR["source"]["targetRevision"]} == {f"v{ABOUT['version']}"}


def test_teams_bring_no_quota_of_their_own() -> None:
    project = example("argocd-teams", "AppProject")
    allowed = {each["kind"] for each in project["namespaceResourceWhitelist"]}

    assert {each["group"] for each in project["namespaceResourceWhitelist"]} == {"imagejob.dev"}
    assert allowed < KINDS
    assert "ImageQuota" not in allowed
    assert project["clusterResourceWhitelist"] == []
    assert example("argocd-teams", "ApplicationSet")["template"]["spec"]["project"] == "images"


def test_flux_applies_as_an_account_of_the_team() -> None:
    account, binding, _, _ = EXAMPLES["flux-team"]
    kustomization = example("flux-team", "Kustomization")

    assert account["metadata"] == {
        "name": kustomization["serviceAccountName"],
        "namespace": "team-a",
    }
    assert binding["subjects"] == [{"kind": "ServiceAccount", **account["metadata"]}]
    assert binding["roleRef"]["name"] == "edit"


def test_flux_s_expressions_are_those_of_the_file() -> None:
    entries = yaml.safe_load((GITOPS / "flux/health-check-exprs.yaml").read_text())

    assert example("flux-team", "Kustomization")["healthCheckExprs"] == entries[:1]
