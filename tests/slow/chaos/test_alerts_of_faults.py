"""Each row of docs/runbook.md's table of faults: the alert fires within its time, and not before.

All faults are brought about side by side, in one cluster, with real operators, workers and S3, and
Prometheus servers that have the chart's own rules.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.client import OPERATOR, OPERATOR_NAMESPACE
from imagejob_dev.cluster import Cluster
from imagejob_dev.guard import Guard
from support import newer_schema
from support.alerting import AS_WRITTEN, FAST, Row, Site, allowed, bring_about, table
from support.bad_api import BadApi
from support.faults import FAULTS
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future

    from support.alerting import Outcome

pytestmark = pytest.mark.laptop

BUGGY = (ROOT / "tests" / "support" / "buggy_operator.py",)
SETTINGS = {"timings": '{"patience": 1, "refused_for": 1, "replaced_after": 1}'}
ROWS = table()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With CRDs that take what the operator can't read, and the operator that leads."""
    with ExitStack() as stack:
        guard = Guard()
        stack.callback(guard.close)
        cluster = stack.enter_context(Cluster(tmp_path_factory.mktemp("faults")))
        cluster.install()
        newer_schema.install(cluster)
        proxy = stack.enter_context(BadApi(cluster))
        made = Site(cluster, tmp_path_factory.mktemp("prometheus"), guard, stack, proxy)
        kubeconfig, speeds = proxy.kubeconfig_of(OPERATOR_NAMESPACE, OPERATOR), (AS_WRITTEN, FAST)
        leader = made.deployed("leader", kubeconfig, program=BUGGY, speeds=speeds, **SETTINGS)
        stack.enter_context(leader).until("imagejob_unwatched_kinds", 0)
        yield made


@pytest.fixture(scope="module")
def outcomes(site: Site) -> Mapping[str, Future[Outcome]]:
    return bring_about(site, FAULTS, ROWS)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_alert_of_a_fault_fires_in_time(
    outcomes: Mapping[str, Future[Outcome]],
    row: Row,
    record_property: Callable[[str, object], None],
) -> None:
    fault, outcome = FAULTS[row.fault], outcomes[row.fault].result()
    fired, most = outcome.fired[row], allowed(row, fault)

    assert fired is not None, f"not within {most:.0f} s"
    assert fired >= outcome.began, "without the fault"
    assert fired <= outcome.in_place + most
    speed = f" at {fault.speed} times the speed" * (fault.speed > 1)
    record_property(f"{row} after", f"{max(0.0, fired - outcome.in_place):.0f} s{speed}")
