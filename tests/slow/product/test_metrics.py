"""Metrics report what happened: a real Prometheus scrapes a real operator, and can evaluate each
expression of dashboard and alerts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from imagejob_dev import command
from imagejob_dev.guard import Guard
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_dev.tools.catalogue import PROMETHEUS
from imagejob_dev.tools.find import find
from prometheus_client.parser import text_string_to_metric_families
from support.conditions import until
from support.monitoring import (
    Prometheus,
    alert_expressions,
    dashboard_expressions,
    get,
    metrics_in,
    page_expressions,
)
from support.tenant import SECONDS, Tenant, image_job, is_finished, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.client import Client
    from support.tenant import Body

GOOD, BAD, AGAIN, THROTTLED = 3, 2, 1, 2
ADMITTED = GOOD + BAD + AGAIN
IMAGE_JOBS = "/apis/imagejob.dev/v1alpha1/imagejobs"


def is_unfinished(job: Body) -> bool:
    """Left by another test, in a namespace that is being deleted."""
    return not is_finished(job.get("status", {}))


@pytest.fixture(scope="module")
def programs() -> dict[str, Path]:
    return dict(find(modules=(PROMETHEUS,)))


@pytest.fixture(scope="module")
def port(cluster: Client) -> Iterator[int]:
    """The port of a real operator, which has no other test's ImageJobs.

    Its retries come too late for these tests.
    """
    cluster.wait_for(IMAGE_JOBS, lambda jobs: not any(map(is_unfinished, jobs)) or None, SECONDS)
    (port,) = free_ports(1)
    settings = {"listen": f"{LOOPBACK}:{port}", "log_format": "json", "backoff_seconds": "600"}
    with cluster.operator("metrics", **settings):
        yield port


@pytest.fixture(scope="module")
def prometheus(
    programs: dict[str, Path], port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    guard = Guard()
    running = Prometheus(programs["prometheus"], tmp_path_factory.mktemp("prom"), port, guard)
    with running.program:
        yield running
    guard.close()


@pytest.fixture(scope="module")
def team(cluster: Client, shared_namespace: str, prometheus: Prometheus) -> Tenant:
    """Some have succeeded, some failed, one waits for a retry, and some wait for the quota."""
    team = Tenant(cluster, shared_namespace)
    team.put("incoming/cat.jpg", picture())
    team.put("incoming/text", b"no picture\n" * 50)
    team.open()
    team.apply(team.store("down", endpoint="http://127.0.0.1:9"))
    team.quota(f"{ADMITTED}/1h")
    until(lambda: prometheus.value("imagejob_leader") == 1)
    team.apply(
        *(image_job(f"good-{n}") for n in range(GOOD)),
        *(image_job(f"bad-{n}", "incoming/text") for n in range(BAD)),
        image_job("again", store="down"),
    )
    team.wait_all(is_finished, GOOD + BAD)
    team.wait("again", lambda status: "lastFailure" in status)
    team.apply(*(image_job(f"late-{n}") for n in range(THROTTLED)))
    team.wait_all(lambda status: status.get("phase") == "Throttled", THROTTLED)
    scraped = prometheus.scrapes()
    until(lambda: prometheus.scrapes() > scraped + 1)  # one that began after all of this
    return team


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('imagejob_finished_total{result="succeeded"}', GOOD),
        ('imagejob_finished_total{reason="UnsupportedFormat"}', BAD),
        ("sum(imagejob_finished_total)", GOOD + BAD),
        ('imagejob_retries_total{reason="StorageUnavailable"}', AGAIN),
        ("imagejob_admission_wait_seconds_count", ADMITTED),
        ("imagejob_queue_wait_seconds_count", ADMITTED),
        ("imagejob_processing_seconds_count", GOOD + BAD),
        ("imagejob_turnaround_seconds_count", GOOD),
        ("imagejob_batch_size_sum", ADMITTED),
        ('imagejob_waiting_jobs{reason="QuotaUsedUp"}', THROTTLED),
        ('imagejob_waiting_jobs{reason="StorageUnavailable"}', AGAIN),
        ("up", 1),
    ],
)
@pytest.mark.usefixtures("team")
def test_metrics_say_what_happened(prometheus: Prometheus, expression: str, value: float) -> None:
    assert prometheus.value(expression) == value


def test_the_metrics_of_a_quota_match_its_status(prometheus: Prometheus, team: Tenant) -> None:
    of = f'{{namespace="{team.namespace}"}}'

    assert prometheus.value(f"imagejob_quota_used{of}") == ADMITTED
    assert prometheus.value(f"imagejob_quota_used_ratio{of}") == 1
    assert prometheus.value(f"imagejob_quota_waiting{of}") == THROTTLED
    assert team.namespace in prometheus.label_values("namespace", "imagejob_quota_used_ratio")


@pytest.mark.usefixtures("team")
def test_every_metric_that_is_asked_for_is_there(port: int) -> None:
    text = get(port, "/metrics").decode()
    there = {s.name for f in text_string_to_metric_families(text) for s in f.samples}

    asked = {
        name
        for _, expression in (*dashboard_expressions(), *alert_expressions())
        for name in metrics_in(expression)
    }
    assert asked - there == set()


@pytest.mark.usefixtures("team")
def test_every_panel_has_data(prometheus: Prometheus) -> None:
    def empty() -> set[str]:
        found = dashboard_expressions()
        return {title for title, asked in found if not prometheus.query(asked)}

    # A rate needs two scrapes; and no leader changes here, and no request has to fail.
    until(lambda: empty() <= {"Leader changes", "Failed requests"})


@pytest.mark.parametrize("expression", list(page_expressions()))
@pytest.mark.usefixtures("team")
def test_a_question_s_expression_can_be_asked(prometheus: Prometheus, expression: str) -> None:
    assert isinstance(prometheus.query(expression), list)


@pytest.mark.usefixtures("team")
def test_every_alert_is_evaluated_and_none_fires_for_this(prometheus: Prometheus) -> None:
    rules = until(
        lambda: (
            [each for each in prometheus.rules() if each["health"] == "ok"]
            if all(each["health"] != "unknown" for each in prometheus.rules())
            else []
        )
    )

    assert {rule["name"] for rule in rules} == {name for name, _ in alert_expressions()}
    assert {rule["name"] for rule in rules if rule["state"] == "firing"} == set()


@pytest.mark.usefixtures("team")
def test_the_exposition_is_as_prometheus_wants_it(
    port: int, programs: dict[str, Path], tmp_path: Path
) -> None:
    text = get(port, "/metrics").decode()

    command.run([programs["promtool"], "check", "metrics"], tmp_path, stdin=text)


@pytest.mark.usefixtures("team")
def test_the_log_is_json_a_line(cluster: Client) -> None:
    lines = (cluster.folder / "log" / "metrics.log").read_bytes().splitlines()

    told = [json.loads(line) for line in lines]
    logged = [line for line in told if line.get("kind") != "ImageJobAudit"]
    assert len(told) > len(logged) > 0
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in logged)
