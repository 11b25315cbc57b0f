"""The operator without Helm: what kubectl and the API server make of gitops/kustomize."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.helm_chart import Body, Helm, of, one, operator_environment
from support.paths import ROOT

if TYPE_CHECKING:
    from imagejob_dev.client import Client

FOLDER = ROOT / "gitops" / "kustomize"
KUBERNETES = {True: "1.36.0", False: "1.35.0"}
"""With and without MutatingAdmissionPolicy."""


def built(cluster: Client, folder: Path) -> list[Body]:
    """What `kubectl kustomize` prints."""
    return list(yaml.safe_load_all(cluster.kubectl("kustomize", folder)))


def content(bodies: list[Body]) -> dict[str, dict[str, Any]]:
    """Kind and name → the object without labels and annotations; the chart's test is left out."""
    (container,) = one(bodies, "Deployment")["spec"]["template"]["spec"]["containers"]
    container["env"].sort(key=itemgetter("name"))  # a patch puts its own first
    return {
        f"{body['kind']} {body['metadata']['name']}": {
            "namespace": body["metadata"].get("namespace"),
            **{key: value for key, value in body.items() if key != "metadata"},
        }
        for body in bodies
        if body["kind"] != "Pod"
    }


def aggregated(bodies: list[Body]) -> dict[str, dict[str, str]]:
    """ClusterRole → the labels that aggregate it into another."""
    return {
        role["metadata"]["name"]: {
            key: value
            for key, value in role["metadata"]["labels"].items()
            if key.startswith("rbac.authorization.k8s.io/")
        }
        for role in of(bodies, "ClusterRole")
    }


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The base with the component for clusters without MutatingAdmissionPolicy."""
    names = {
        "resources": [os.path.relpath(FOLDER / "base", tmp_path)],
        "components": [os.path.relpath(FOLDER / "without-requester", tmp_path)],
    }
    kind = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kind | names))
    return tmp_path


def test_the_base_is_what_the_chart_says() -> None:
    command = [sys.executable, ROOT / "dev/kustomize_base.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("stamps", [True, False], ids=["1.36", "1.35"])
def test_it_is_the_chart_by_other_means(
    cluster: Client,
    older: Path,
    tmp_path_factory: pytest.TempPathFactory,
    stamps: bool,  # noqa: FBT001 (pytest gives it)
) -> None:
    helm = Helm(tmp_path_factory.mktemp("helm"))
    chart = helm.template({}, f"--kube-version={KUBERNETES[stamps]}")

    bodies = built(cluster, FOLDER / "base" if stamps else older)

    namespace = one(bodies, "Namespace", "imagejob-system")
    bodies.remove(namespace)
    assert content(bodies) == content(chart)
    assert aggregated(bodies) == aggregated(chart)
    assert operator_environment(bodies)["IMAGEJOB_TRUST_REQUESTER"] == str(stamps).lower()
    assert "Helm" not in json.dumps(bodies)


def test_the_api_server_takes_it(cluster: Client) -> None:
    words = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-k")

    told = cluster.kubectl(*words, FOLDER / "base").splitlines()

    assert len(told) == len(built(cluster, FOLDER / "base"))
    assert all(line.endswith("serverside-applied (server dry run)") for line in told)


def test_the_overlay_of_the_page_moves_both_images(cluster: Client, tmp_path: Path) -> None:
    page = (ROOT / "docs/gitops.md").read_text()
    (block,) = (
        each for each in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "images:" in each
    )
    here = os.path.relpath(FOLDER / "base", tmp_path)
    overlay = re.sub(r"https://\S+//gitops/kustomize/base\?ref=\S+", here, block)
    (tmp_path / "kustomization.yaml").write_text(overlay)

    bodies = built(cluster, tmp_path)

    (container,) = one(bodies, "Deployment")["spec"]["template"]["spec"]["containers"]
    images = [container["image"], operator_environment(bodies)["IMAGEJOB_WORKER_IMAGE"]]
    assert [image.partition("/")[0] for image in images] == ["registry.example.com"] * 2
