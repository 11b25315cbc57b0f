"""An API server that fails for a while: the operator goes on by itself, and tells it briefly."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.client import OPERATOR, OPERATOR_NAMESPACE
from support.audit_log import MARK
from support.bad_api import BadApi, Fault
from support.conditions import until
from support.tenant import image_job

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.cluster import Cluster
    from imagejob_dev.program import Program
    from support.tenant import Tenant

pytestmark = pytest.mark.laptop  # they go by a proxy on this machine

TIMES = {"at-the-start": 4, "later": 12}
"""How many requests meet a fault: at the start the operator has one under way, later several."""

FEW_LINES = 20  # one for each of six kinds among them
TROUBLE = "the API server fails, will retry"
API = "client.authentication.k8s.io/v1"
PLUGIN = """\
import json, pathlib, sys
file = pathlib.Path(sys.argv[1])
file.with_suffix(".runs").open("a").write("x")
print(file.read_text())
"""


def operator(cluster: Cluster, bad: BadApi, name: str, kubeconfig: Path | None = None) -> Program:
    """That goes by the proxy."""
    own = kubeconfig or bad.kubeconfig_of(OPERATOR_NAMESPACE, OPERATOR)
    return cluster.operator(name, kubeconfig=own)


def lines(program: Program) -> list[str]:
    """Of its log, without the audit log."""
    log = program.log.read_text() if program.log.exists() else ""
    return [line for line in log.splitlines() if not line.startswith(MARK.decode())]


def assert_told_in_few_lines(program: Program) -> None:
    said = lines(program)

    assert program.running
    assert len(said) <= FEW_LINES, "\n".join(said)
    assert not [line for line in said if not re.match(r"\d{4}-\d\d-\d\d ", line)]


def finish(team: Tenant, name: str) -> None:
    team.apply(image_job(name))

    assert team.wait_finished(name)["phase"] == "Succeeded"


def mint(cluster: Cluster) -> str:
    """Another token of the operator's account."""
    path = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/serviceaccounts/{OPERATOR}/token"
    answer = cluster.rest.post(path, {"spec": {"expirationSeconds": 3600}})
    token: str = answer["status"]["token"]
    return token


def test_an_api_server_that_comes_later_is_waited_for(cluster: Cluster, team: Tenant) -> None:
    bad = BadApi(cluster)
    program = operator(cluster, bad, "bad-api-later")
    with program:
        until(lambda: TROUBLE in "".join(lines(program)), every=0.1)
        with bad:
            finish(team, "cat")

            assert_told_in_few_lines(program)
            assert set(bad.asked) == {"imagejob-operator"}
            program.stop()


@pytest.mark.parametrize("fault", ["401", "403", "429", "500", "504", "cut"])
def test_errors_at_the_start_and_later_are_outlasted(
    cluster: Cluster, team: Tenant, fault: str
) -> None:
    with (
        BadApi(cluster) as bad,
        operator(cluster, bad, f"bad-api-{fault}-{team.namespace}") as program,
    ):
        for name, times in TIMES.items():
            bad.fault = Fault(fault)
            enough = bad.met[fault] + times
            until(lambda: bad.met[fault] >= enough, every=0.1)  # noqa: B023
            bad.fault = None
            finish(team, name)

        assert_told_in_few_lines(program)


def test_a_rejected_token_is_read_again_from_its_file(
    cluster: Cluster, team: Tenant, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(mint(cluster))
    with BadApi(cluster) as bad:
        kubeconfig = bad.kubeconfig_of(OPERATOR_NAMESPACE, OPERATOR, tokenFile=str(file))
        with operator(cluster, bad, "bad-api-token-file", kubeconfig) as program:
            finish(team, "before")
            bad.tokens = {fresh := mint(cluster)}
            until(lambda: TROUBLE in "".join(lines(program)) or None)
            file.write_text(f"{fresh}\n")
            finish(team, "after")

            assert_told_in_few_lines(program)


def test_a_plugin_s_tokens_are_replaced_before_they_expire(
    cluster: Cluster, team: Tenant, tmp_path: Path
) -> None:
    file = tmp_path / "credential"
    script = tmp_path / "plugin.py"
    script.write_text(PLUGIN)
    plugin = {"command": sys.executable, "args": [str(script), str(file)], "apiVersion": API}

    def hand_out(seconds: float) -> str:
        expiry = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        status = {"token": mint(cluster), "expirationTimestamp": expiry}
        file.write_text(json.dumps({"apiVersion": API, "status": status}))
        return status["token"]

    with BadApi(cluster) as bad:
        bad.tokens = {hand_out(seconds=3)}
        kubeconfig = bad.kubeconfig_of(OPERATOR_NAMESPACE, OPERATOR, exec=plugin)
        with operator(cluster, bad, "bad-api-plugin", kubeconfig) as program:
            finish(team, "before")
            bad.tokens = {hand_out(seconds=3600)}
            finish(team, "after")

            assert_told_in_few_lines(program)
    assert 2 <= len(file.with_suffix(".runs").read_text()) <= 10
