"""A real Prometheus that scrapes one operator, and the queries of dashboard and rules."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import yaml
from imagejob_dev.guard import Guard
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_dev.program import Program
from imagejob_dev.rest import over_http

from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHART = ROOT / "charts" / "imagejob-operator"
PAGE = ROOT / "docs" / "metrics.md"
RULES = CHART / "rules" / "imagejob.yaml"
GATEWAY_RULES = ROOT / "charts" / "imagejob-gateway" / "rules" / "gateway.yaml"
DASHBOARD = CHART / "dashboards" / "imagejob.json"

VARIABLES = {"$__rate_interval": "1m", "$__range": "5m", "$namespace": ".*"}
"""The values that Grafana substitutes."""

METRIC = re.compile(r"\b(?:imagejob|process)_\w+")

DURATION = re.compile(r"(\[|for: )([0-9]+)([smh])\b")
COMPARED = re.compile(r"(imagejob_\w+_seconds\b[^>\n]* > )([0-9]+)")
INTERVAL = 1.0
"""Seconds between two scrapes, and between two evaluations."""

LEAST = 6
"""Seconds. The loop of a healthy operator that has nothing to do is up to five old."""


def get(port: int, path: str) -> bytes:
    """The body of a 200 response."""
    answer = over_http(port).send("GET", path)
    assert answer.status == 200, f"{path}: {answer.status} {answer.text[:500]}"
    return answer.body


class Prometheus:
    """Scrapes `target`, a port of this machine, each second, and evaluates the chart's rules.

    `hasten` divides every duration in the rules: with 60, what takes them minutes takes seconds.
    """

    def __init__(
        self, program: Path, folder: Path, target: int, guard: Guard, hasten: int = 1
    ) -> None:
        (self.port,) = free_ports(1)
        folder.mkdir(parents=True, exist_ok=True)
        rules, config = folder / "rules.yaml", folder / "prometheus.yaml"
        rules.write_text(hastened(RULES.read_text(), hasten))
        config.write_text(yaml.safe_dump(_config(target, rules)))
        self.program = Program(
            [
                *(program, "--config.file", config, "--storage.tsdb.path", folder / "data"),
                f"--web.listen-address={LOOPBACK}:{self.port}",
            ],
            folder / "prometheus.log",
            guard,
            ready=self._is_ready,
        )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the current result."""
        path = f"/api/v1/query?{urlencode({'query': expression})}"
        found: list[dict[str, Any]] = json.loads(get(self.port, path))["data"]["result"]
        return found

    def value(self, expression: str) -> float | None:
        """The value of the single series in the result; None if there is none."""
        found = self.query(expression)
        assert len(found) < 2, found
        return float(found[0]["value"][1]) if found else None

    def scrapes(self) -> float:
        """The number of scrapes of the target."""
        return self.value("sum(count_over_time(up[1h]))") or 0.0

    def rules(self) -> list[dict[str, Any]]:
        """Each rule as last evaluated."""
        groups = json.loads(get(self.port, "/api/v1/rules"))["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def firing(self, alert: str, labels: Mapping[str, str]) -> bool:
        """Whether the alert fires, with these labels among its own."""
        alerts = json.loads(get(self.port, "/api/v1/alerts"))["data"]["alerts"]
        wanted = {"alertname": alert, **labels}.items()
        return any(
            each["state"] == "firing" and each["labels"].items() >= wanted for each in alerts
        )

    def label_values(self, label: str, metric: str) -> list[str]:
        """The values of a variable, with the query that Grafana sends."""
        path = f"/api/v1/label/{label}/values?match[]={quote(metric)}"
        found: list[str] = json.loads(get(self.port, path))["data"]
        return found

    def _is_ready(self) -> bool:
        try:
            get(self.port, "/-/ready")
        except (OSError, AssertionError, http.client.HTTPException):
            return False
        return True


def hastened(rules: str, factor: int) -> str:
    """The rules with every duration divided, down to whole seconds.

    So are the seconds that a gauge is compared with, but to no less than LEAST.
    """

    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[2]) * {"s": 1, "m": 60, "h": 3600}[found[3]]
        return f"{found[1]}{max(1, seconds // factor)}s"

    def lower(found: re.Match[str]) -> str:
        return f"{found[1]}{max(LEAST, int(found[2]) // factor)}"

    if factor == 1:
        return rules
    return COMPARED.sub(lower, DURATION.sub(shorter, rules))


def _config(target: int, rules: Path) -> dict[str, Any]:
    scrape = {
        "job_name": "imagejob-operator",
        "static_configs": [{"targets": [f"{LOOPBACK}:{target}"]}],
    }
    return {
        "global": {
            "scrape_interval": f"{INTERVAL:.0f}s",
            "evaluation_interval": f"{INTERVAL:.0f}s",
        },
        "rule_files": [str(rules)],
        "scrape_configs": [scrape],
    }


def dashboard_expressions() -> Iterator[tuple[str, str]]:
    """Title of the panel and expression, as Grafana would send it."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], filled_in(target["expr"])
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], filled_in(annotation["expr"])


def alert_expressions(rules: Path = RULES) -> Iterator[tuple[str, str]]:
    """Name and expression."""
    for group in yaml.safe_load(rules.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def page_expressions() -> Iterator[str]:
    """The queries that docs/metrics.md recommends."""
    questions = PAGE.read_text().partition("\n## Queries\n")[2].partition("\n## ")[0]
    for expression in re.findall(r"^\| .+\? \| `(.+)` \|$", questions, re.MULTILINE):
        yield expression.replace("\\|", "|")


def filled_in(expression: str) -> str:
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def metrics_in(expression: str) -> set[str]:
    """The names of metrics, as they are exposed."""
    return set(METRIC.findall(expression))
