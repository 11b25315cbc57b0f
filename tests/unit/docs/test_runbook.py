"""The runbook has a section for each alert, and for each reason that needs a person."""

from __future__ import annotations

import re
from typing import Any

import yaml
from imagejob_operator.api.reasons import FINAL, RETRYABLE, WAITING, Reason
from imagejob_operator.kube.records import ledger_name
from support.paths import ROOT

RULES = "imagejob-*/rules/*.yaml"
RUNBOOK = ROOT / "docs/runbook.md"

OF_THE_TEAM = {
    Reason.CHECKSUM_MISMATCH,
    Reason.CORRUPT_IMAGE,
    Reason.SOURCE_CHANGED,
    Reason.SOURCE_NOT_FOUND,
    Reason.TOO_LARGE,
    Reason.UNSUPPORTED_FORMAT,
}
"""Reasons that only the team can act on; docs/reasons.md says how."""

NOBODY_S = {Reason.CANCELLED, Reason.SUSPENDED}

METRICS = ROOT / "docs/metrics.md"


def test_every_reason_that_needs_a_person_has_its_section() -> None:
    needed = {reason.value for reason in (WAITING | FINAL | RETRYABLE) - OF_THE_TEAM - NOBODY_S}

    assert needed - parts("Reasons") == set()


def test_every_section_is_about_an_existing_reason() -> None:
    assert parts("Reasons") <= {reason.value for reason in Reason}


def test_every_alert_has_its_part_and_every_part_its_alert() -> None:
    assert parts("Alerts") == set(alerts())


def test_every_alert_names_its_part() -> None:
    wrong = {
        name: rule["annotations"].get("runbook_url")
        for name, rule in alerts().items()
        if not rule["annotations"].get("runbook_url", "").endswith(f"#{name.lower()}")
    }

    assert wrong == {}


def test_the_log_lines_that_it_quotes_are_those_of_the_operator() -> None:
    text = " ".join(RUNBOOK.read_text().split())
    beginnings = "action failed|cannot|exiting|the API server fails|the Lease was|the object can"
    quoted = set(re.findall(rf"[`'\"]((?:{beginnings})[a-z ,]*)", text))
    source = "".join(path.read_text() for path in (ROOT / "operator").rglob("*.py"))

    assert len(quoted) > 5
    assert {line for line in quoted if line.strip() not in source} == set()


def test_it_names_the_config_map_of_a_ledger() -> None:
    assert f"get configmap {ledger_name('team-a')} " in " ".join(RUNBOOK.read_text().split())


def test_the_share_of_failures_counts_all_but_those_of_the_team_and_its_quota() -> None:
    quota = {Reason.QUOTA_EXCEEDED}
    counted = {reason.value for reason in (FINAL | RETRYABLE) - OF_THE_TEAM - NOBODY_S - quota}

    texts = (alerts()["ImageJobFailureRatio"]["expr"], METRICS.read_text().replace("\\|", "|"))

    for text in texts:
        (listed,) = re.findall(r'result="failed", reason=~"([^"]+)"', text)
        assert set(listed.split("|")) == counted


def parts(chapter: str) -> set[str]:
    """The headings within a chapter of the runbook."""
    _, _, text = RUNBOOK.read_text().partition(f"\n## {chapter}\n")
    return set(re.findall(r"^### (.+)$", text.partition("\n## ")[0], re.MULTILINE))


def alerts() -> dict[str, dict[str, Any]]:
    """Name → rule."""
    files = [yaml.safe_load(file.read_text()) for file in (ROOT / "charts").glob(RULES)]
    groups = [group for file in files for group in file.get("spec", file)["groups"]]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return {rule["alert"]: rule for rule in rules}
