"""The chart as Helm renders and installs it, and queries on the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from imagejob_dev import helm
from imagejob_dev.client import CHART, OPERATOR_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Body = dict[str, Any]
Values = dict[str, Any]

RELEASE = "imagejob-operator"
STAMPS = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
SECONDS = "60s"


class Helm:
    """helm for an administrator, without stored settings; without `kubeconfig`, no cluster."""

    def __init__(self, home: Path, kubeconfig: Path | None = None) -> None:
        self._home = home
        self._kubeconfig = kubeconfig

    def __call__(self, *arguments: str | Path, values: Values | None = None) -> str:
        """Return its output; DevError with its message. `values` are passed as `--values=-`."""
        text = None if values is None else json.dumps(values)
        given = [] if values is None else ["--values=-"]
        return helm.run(self._home, [*arguments, *given], self._kubeconfig, text)

    def template(
        self,
        values: Values,
        *options: str,
        chart: Path = CHART,
        namespace: str = OPERATOR_NAMESPACE,
    ) -> list[Body]:
        """The rendered chart, including its test."""
        where = (RELEASE, chart, f"--namespace={namespace}")
        text = self("template", *where, *options, values=values)
        return [body for body in yaml.safe_load_all(text) if body]


def one(bodies: Iterable[Body], kind: str, name: str | None = None) -> Body:
    """The only object of a kind, or of a kind and name."""
    (found,) = of(bodies, kind, name)
    return found


def of(bodies: Iterable[Body], kind: str, name: str | None = None) -> list[Body]:
    """The objects of a kind, or of a kind and name."""
    return [
        body for body in bodies if body["kind"] == kind and name in (None, body["metadata"]["name"])
    ]


def operator_environment(bodies: Iterable[Body]) -> dict[str, str]:
    """The variables of the operator's container, as the kubelet would set them."""
    deployment = one(bodies, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    of_pod = {"metadata.name": "pod-1", "metadata.namespace": deployment["metadata"]["namespace"]}
    return {
        each["name"]: each["value"].replace("$$(", "$(")
        if "value" in each
        else of_pod[each["valueFrom"]["fieldRef"]["fieldPath"]]
        for each in container["env"]
    }


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> Values:
    """Merge as Helm does: objects by their names, everything else is replaced."""
    both = {
        name: merged(one[name], other[name])
        for name in one.keys() & other.keys()
        if isinstance(one[name], dict) and isinstance(other[name], dict)
    }
    return {**one, **other, **both}
