"""Write gitops/kustomize/base from the chart, or check that it is current.

python dev/kustomize_base.py [--check]

It is what the chart renders with its default values for Kubernetes 1.36, less what speaks of Helm.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from imagejob_dev import helm
from imagejob_dev.client import CHART, OPERATOR_NAMESPACE, REPOSITORY

Body = dict[str, Any]

BASE = REPOSITORY / "gitops" / "kustomize" / "base"
KUBERNETES = "1.36.0"
HEADER = "# Made by `make generate` from charts/imagejob-operator.\n"
FILES = {
    "crds.yaml": ("CustomResourceDefinition",),
    "rights.yaml": ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    "policies.yaml": (
        "ConfigMap",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ),
    "operator.yaml": ("Deployment", "PodDisruptionBudget", "Service"),
}
"""File → the kinds in it. A kind in none is an error, so that nothing the chart brings is lost."""

OF_HELM = ("helm.sh/", "app.kubernetes.io/managed-by")


def main() -> int:
    """0 when all is written or current, 1 when something is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    arguments = parser.parse_args()
    made = {BASE / name: text for name, text in files(rendered()).items()}
    stale = [file for file, text in made.items() if not file.exists() or file.read_text() != text]
    for file in stale:
        if arguments.check:
            print(f"{file.relative_to(REPOSITORY)} is not current: run `make generate`")
        else:
            file.write_text(made[file])
    return 1 if arguments.check and stale else 0


def rendered() -> list[Body]:
    """What the chart brings, but for its test."""
    words = ("template", CHART.name, CHART, f"--namespace={OPERATOR_NAMESPACE}")
    with tempfile.TemporaryDirectory() as home:
        text = helm.run(Path(home), [*words, f"--kube-version={KUBERNETES}", "--skip-tests"])
    return [without_helm(body) for body in yaml.safe_load_all(text) if body]


def without_helm(body: Body) -> Body:
    """Drop the labels and annotations that say Helm made it."""
    metadata = dict(body["metadata"])
    for part in ("labels", "annotations"):
        kept = {
            name: value
            for name, value in (metadata.pop(part, None) or {}).items()
            if not name.startswith(OF_HELM)
        }
        if kept:
            metadata[part] = kept
    return {**body, "metadata": metadata}


def files(bodies: list[Body]) -> dict[str, str]:
    """File → text."""
    placed = {kind: name for name, kinds in FILES.items() for kind in kinds}
    if strangers := {body["kind"] for body in bodies} - placed.keys():
        raise LookupError(f"no file of {BASE} takes {', '.join(sorted(strangers))}")
    return {
        name: HEADER
        + yaml.safe_dump_all(
            [body for body in bodies if placed[body["kind"]] == name],
            sort_keys=False,
            allow_unicode=True,
            width=120,
        )
        for name in FILES
    }


if __name__ == "__main__":
    sys.exit(main())
