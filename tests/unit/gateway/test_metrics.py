"""What the gateway exports, and under which names."""

from __future__ import annotations

from imagejob_gateway.metrics import GatewayMetrics
from imagejob_gateway.problem import ProblemReason
from prometheus_client import generate_latest


def exported(metrics: GatewayMetrics) -> list[str]:
    return generate_latest(metrics.registry).decode().splitlines()


def test_what_the_client_counts_has_the_gateway_s_name() -> None:
    """The operator's alerts sum up the operator's."""
    metrics = GatewayMetrics()

    metrics.client.requested("GET", 503, 0.1)
    metrics.client.listed("imagejobs")

    lines = exported(metrics)
    assert 'imagejob_gateway_api_requests_total{code="503",verb="GET"} 1.0' in lines
    assert 'imagejob_gateway_unreadable_objects_total{resource="imagejobs"} 0.0' in lines
    ours = [line for line in lines if line.startswith("imagejob_")]
    assert [line for line in ours if not line.startswith("imagejob_gateway_")] == []


def test_a_scrape_changes_nothing() -> None:
    metrics = GatewayMetrics()
    metrics.client.requested("GET", 200, 0.1)

    named = [[line for line in exported(metrics) if "api_requests" in line] for _ in range(2)]

    assert named[0] == named[1]


def test_every_reason_is_exported_before_it_occurs() -> None:
    lines = exported(GatewayMetrics())

    for reason in ProblemReason:
        assert f'imagejob_gateway_problems_total{{reason="{reason}"}} 0.0' in lines


def test_a_client_chooses_no_label() -> None:
    metrics = GatewayMetrics()

    for word in ("BREW", "PROPFIND", "x" * 1000):
        metrics.answered(word, "", 404, 0.1)

    found = [line for line in exported(metrics) if line.startswith("imagejob_gateway_requests")]
    assert found == [
        'imagejob_gateway_requests_total{method="other",route="other",status="404"} 3.0'
    ]
