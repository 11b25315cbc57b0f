"""The chart's objects for Prometheus and Grafana; selectors match what they should select."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from imagejob_dev.client import CHART
from support.helm_chart import Body, of, one

if TYPE_CHECKING:
    from support.helm_chart import Helm

SWITCHES = ("serviceMonitor", "prometheusRule", "dashboard")


@pytest.fixture(scope="module")
def monitored(helm: Helm) -> list[Body]:
    """The chart with all monitoring, and network policies."""
    metrics = {name: {"enabled": True} for name in SWITCHES}
    return helm.template({"metrics": metrics, "networkPolicy": {"enabled": True}})


def test_the_alerts_are_those_of_the_plain_files(monitored: list[Body]) -> None:
    files = sorted((CHART / "rules").glob("*.yaml"))

    groups = one(monitored, "PrometheusRule")["spec"]["groups"]

    assert groups == [
        group for file in files for group in yaml.safe_load(file.read_text())["groups"]
    ]


def test_the_dashboards_are_those_of_the_plain_files(monitored: list[Body]) -> None:
    files = {file.name: json.loads(file.read_text()) for file in (CHART / "dashboards").iterdir()}

    dashboards = one(monitored, "ConfigMap")

    assert {name: json.loads(text) for name, text in dashboards["data"].items()} == files
    assert dashboards["metadata"]["labels"]["grafana_dashboard"] == "1"


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_is_there_only_if_asked_for(helm: Helm, monitored: list[Body], switch: str) -> None:
    bodies = helm.template({"metrics": {switch: {"enabled": True}}})

    kinds = {"serviceMonitor": "ServiceMonitor", "prometheusRule": "PrometheusRule"}
    asked_for = kinds.get(switch, "ConfigMap")
    made = {body["kind"] for body in bodies} & {"ServiceMonitor", "PrometheusRule", "ConfigMap"}
    assert made == {asked_for}
    assert of(monitored, asked_for) == of(bodies, asked_for)


def test_selectors_meet_the_operator_s_pods_and_no_others(monitored: list[Body]) -> None:
    deployment, service = one(monitored, "Deployment"), one(monitored, "Service")
    pods = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = {
        "Deployment": deployment["spec"]["selector"]["matchLabels"],
        "Service": service["spec"]["selector"],
        "PodDisruptionBudget": one(monitored, "PodDisruptionBudget")["spec"]["selector"][
            "matchLabels"
        ],
        "NetworkPolicy": one(monitored, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    }
    of_services = one(monitored, "ServiceMonitor")["spec"]["selector"]["matchLabels"]

    others = one(monitored, "Pod")["metadata"]["labels"]
    for kind, selector in selectors.items():
        assert selector.items() <= pods.items(), kind
        assert not selector.items() <= others.items(), kind
    assert of_services.items() <= service["metadata"]["labels"].items()
