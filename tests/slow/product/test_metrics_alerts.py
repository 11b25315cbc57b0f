"""Each alert fires when it should, and only then: promtool runs the rules themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml
from imagejob_dev import command
from imagejob_dev.tools.catalogue import PROMETHEUS
from imagejob_dev.tools.find import find
from support.alert_cases.gateway import CASES as OF_THE_GATEWAY
from support.alert_cases.operator import CASES
from support.monitoring import GATEWAY_RULES, PAGE, RULES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.alert_cases import Case, Series


def rules_of(alert: str) -> Path:
    return GATEWAY_RULES if alert in OF_THE_GATEWAY else RULES


@pytest.fixture(scope="module")
def promtool() -> Path:
    return find(modules=(PROMETHEUS,))["promtool"]


def scenario(alert: str, series: Series, minute: int, *, firing: bool) -> dict[str, object]:
    """A test in promtool's format."""
    query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    return {
        "name": f"{alert} {'fires' if firing else 'is quiet'} in minute {minute}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": query,
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if firing else [],
            }
        ],
    }


@pytest.mark.parametrize("rules", [RULES, GATEWAY_RULES], ids=lambda file: file.stem)
def test_the_rules_are_sound(promtool: Path, tmp_path: Path, rules: Path) -> None:
    command.run([promtool, "check", "rules", "--lint=all", "--lint-fatal", rules], tmp_path)


def test_the_page_s_scrape_configuration_is_sound(promtool: Path, tmp_path: Path) -> None:
    (block,) = re.findall(r"(?ms)^```yaml\n(scrape_configs:.*?)^```", PAGE.read_text())
    file = tmp_path / "prometheus.yaml"
    file.write_text(f"{block}rule_files: [{RULES}]\n")

    command.run([promtool, "check", "config", file], tmp_path)


@pytest.mark.parametrize(
    ("rules", "cases"),
    [(RULES, CASES), (GATEWAY_RULES, OF_THE_GATEWAY)],
    ids=["operator", "gateway"],
)
def test_every_alert_has_its_case(rules: Path, cases: Mapping[str, Case]) -> None:
    groups = yaml.safe_load(rules.read_text())["groups"]

    assert {rule["alert"] for group in groups for rule in group["rules"]} == cases.keys()


@pytest.mark.parametrize("alert", [*CASES, *OF_THE_GATEWAY])
def test_an_alert_fires_when_it_should_and_only_then(
    promtool: Path, tmp_path: Path, alert: str
) -> None:
    case = (CASES | OF_THE_GATEWAY)[alert]
    tests = [
        scenario(alert, case.fires, case.early, firing=False),
        scenario(alert, case.fires, case.late, firing=True),
        scenario(alert, case.quiet, case.late, firing=False),
    ]
    file = tmp_path / "alert.yaml"
    file.write_text(
        yaml.safe_dump(
            {"rule_files": [str(rules_of(alert))], "evaluation_interval": "1m", "tests": tests}
        )
    )

    command.run([promtool, "test", "rules", file], tmp_path)


def test_the_alert_for_no_leader_fires_without_any_operator(promtool: Path, tmp_path: Path) -> None:
    test = scenario("ImageJobNoLeader", {"up": "0x5"}, 4, firing=True)
    file = tmp_path / "alert.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [test]}))

    command.run([promtool, "test", "rules", file], tmp_path)
