"""docs/metrics.md, the dashboard and the alerts mention all existing metrics, and no others."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from imagejob_dashboard.grafana import text as make_dashboard
from imagejob_gateway.metrics import GatewayMetrics
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from support.monitoring import (
    DASHBOARD,
    GATEWAY_RULES,
    RULES,
    alert_expressions,
    dashboard_expressions,
    metrics_in,
    page_expressions,
)
from support.observing import Knowledge
from support.paths import ROOT

PAGE = (ROOT / "docs" / "metrics.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
ROW = re.compile(r"^\| `(imagejob_\w+)` \| (\w+) \|(.*?)\| (.+) \|$", re.MULTILINE)
ALERT = re.compile(r"^\| `(ImageJob\w+)` \| (\w+) \| .+ \|$", re.MULTILINE)
LABEL = re.compile(r"`(\w+)`")

Described = dict[str, tuple[str, frozenset[str]]]
"""Name → type and labels."""


def exposed() -> Described:
    """The metrics of an operator that has seen everything."""
    known = Knowledge()
    known.use("team-a", 1)
    known.wait("team-a", 1)
    known.metrics.requested("GET", 200, 0.1)
    known.metrics.listed("pods")
    known.metrics.watched("pods", None)
    known.metrics.unreadable("pods")
    return described_by(known.metrics.registry)


def exposed_by_gateway() -> Described:
    """The metrics of a gateway that has served everything."""
    metrics = GatewayMetrics()
    metrics.watch(lambda: ())
    metrics.watch_listed("ImageProfile", "web", lambda: False)
    metrics.answered("GET", "/", 200, 0.1)
    metrics.stored("PUT", 200, 0.1)
    metrics.client.requested("GET", 200, 0.1)
    metrics.client.listed("imagejobs")
    return described_by(metrics.registry)


def described_by(registry: CollectorRegistry) -> Described:
    ours = (each for each in registry.collect() if each.name.startswith("imagejob_"))
    return {_name(family): (_type(family), _labels(family)) for family in ours}


def _name(family: Metric) -> str:
    return family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")


def _type(family: Metric) -> str:
    return "gauge" if family.type == "info" else family.type


def _labels(family: Metric) -> frozenset[str]:
    return frozenset(label for sample in family.samples for label in sample.labels) - {"le"}


def rules() -> list[dict[str, dict[str, str]]]:
    groups = [
        group
        for file in (RULES, GATEWAY_RULES)
        for group in yaml.safe_load(file.read_text())["groups"]
    ]
    return [rule for group in groups for rule in group["rules"]]


def test_every_metric_is_described_with_its_type_and_labels() -> None:
    described = {
        name: (kind, frozenset(LABEL.findall(labels)))
        for name, kind, labels, _ in ROW.findall(PAGE)
    }

    assert described == exposed() | exposed_by_gateway()


@pytest.mark.parametrize(
    ("where", "expression"),
    [
        *dashboard_expressions(),
        *alert_expressions(),
        *alert_expressions(GATEWAY_RULES),
        *(("docs/metrics.md", each) for each in page_expressions()),
    ],
)
def test_an_expression_asks_for_metrics_that_there_are(where: str, expression: str) -> None:
    suffixes = ("_bucket", "_sum", "_count")
    there = exposed() | exposed_by_gateway()
    histograms = {name for name, (kind, _) in there.items() if kind == "histogram"}
    allowed = there.keys() | {name + suffix for name in histograms for suffix in suffixes}

    asked = {name for name in metrics_in(expression) if name.startswith("imagejob_")}
    assert asked <= allowed, where
    assert metrics_in(expression), where


def test_every_metric_is_on_the_dashboard_but_those_for_alerts_and_records() -> None:
    asked = {name for _, text in dashboard_expressions() for name in metrics_in(text)}
    shown = {re.sub("_(bucket|sum|count)$", "", name) for name in asked}

    assert exposed().keys() - shown == {"imagejob_lease_trouble", "imagejob_audit_lines_total"}


def test_the_dashboard_is_the_one_that_is_made() -> None:
    assert DASHBOARD.read_text() == make_dashboard(), "run `python -m imagejob_dashboard`"


def test_no_panel_covers_another() -> None:
    places = [
        {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        for at in (panel["gridPos"] for panel in json.loads(DASHBOARD.read_text())["panels"])
    ]

    assert len(set().union(*places)) == sum(map(len, places))
    assert all(x < 24 for place in places for x, _ in place)


def test_every_alert_is_described_with_its_severity() -> None:
    described = dict(ALERT.findall(PAGE))

    assert described == {rule["alert"]: rule["labels"]["severity"] for rule in rules()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_leads_to_its_part_of_the_runbook(rule: dict[str, dict[str, str]]) -> None:
    notes = rule["annotations"]

    assert notes.keys() == {"summary", "description", "runbook_url"}
    assert notes["runbook_url"].endswith(f"/docs/runbook.md#{str(rule['alert']).lower()}")
    assert f"\n### {rule['alert']}\n" in RUNBOOK
