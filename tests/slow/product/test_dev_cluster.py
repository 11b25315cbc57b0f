"""The dev cluster as a user sees it: commands, outages, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]  # it has no types
from imagejob_dev.client import OPERATOR, OPERATOR_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.cluster import Cluster

SECONDS = 30.0


class Commands:
    """`python -m imagejob_dev …` with its own state folder."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "imagejob-operator" / "dev"
        self._environment = os.environ | {"XDG_STATE_HOME": str(home)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "imagejob_dev", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS * 2,
        )

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return state

    def pids(self) -> dict[str, int]:
        return {each["name"]: each["pid"] for each in self.state()["programs"]}

    def processes(self) -> dict[str, psutil.Process]:
        return {name: psutil.Process(pid) for name, pid in self.pids().items()}


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    commands = Commands(tmp_path)
    yield commands
    assert commands.run("down").returncode == 0


def test_up_status_down(commands: Commands) -> None:
    up = commands.run("up")
    assert up.returncode == 0, up.stderr
    assert f"export KUBECONFIG={commands.folder}/kubeconfig" in up.stdout
    processes = commands.processes()
    assert commands.run("up").stdout == up.stdout
    status = commands.run("status")
    assert status.returncode == 0
    assert all(f"pid {process.pid}" in status.stdout for process in processes.values())

    _restarts_what_dies(commands, "kube-scheduler")
    processes = commands.processes()
    assert commands.run("down").returncode == 0

    _, alive = psutil.wait_procs(list(processes.values()), timeout=SECONDS)
    assert alive == []
    assert not commands.folder.exists()
    assert commands.run("status").returncode == 1
    assert "Nothing runs" in commands.run("down").stdout


def test_a_killed_supervisor_leaves_nothing_and_up_starts_again(commands: Commands) -> None:
    assert commands.run("up").returncode == 0
    processes = commands.processes()

    psutil.Process(commands.state()["supervisor"]).kill()

    _, alive = psutil.wait_procs(list(processes.values()), timeout=SECONDS)
    assert alive == []
    assert commands.run("status").returncode == 1
    assert commands.run("up").returncode == 0


def test_s3_outage(cluster: Cluster) -> None:
    bucket = cluster.s3.make_bucket("outage")
    client = cluster.s3.client()
    client.put_object(Bucket=bucket, Key="a/b.txt", Body=b"kept", ContentType="text/plain")

    cluster.s3.stop()
    with pytest.raises(BotoCoreError):
        client.get_object(Bucket=bucket, Key="a/b.txt")
    cluster.s3.start()

    found = client.get_object(Bucket=bucket, Key="a/b.txt")
    with found["Body"] as body:
        assert body.read() == b"kept"
    assert found["ContentType"] == "text/plain"
    assert (cluster.s3.folder / bucket / "a" / "b.txt").read_bytes() == b"kept"
    client.close()


@pytest.mark.parametrize(
    ("verb", "resource", "namespace", "allowed"),
    [
        ("update", "imagejobs.imagejob.dev/status", "default", "yes"),
        ("create", "jobs.batch", "default", "yes"),
        ("update", "configmaps", OPERATOR_NAMESPACE, "yes"),
        ("get", "secrets", "default", "no"),
        ("list", "secrets", OPERATOR_NAMESPACE, "no"),
        ("update", "configmaps", "default", "no"),
        ("patch", "imagejobs.imagejob.dev", "default", "no"),
        ("create", "pods", "default", "no"),
    ],
)
def test_rights_of_the_operator(
    cluster: Cluster, verb: str, resource: str, namespace: str, allowed: str
) -> None:
    kind, _, subresource = resource.partition("/")
    kind, _, group = kind.partition(".")
    attributes = {
        "verb": verb,
        "resource": kind,
        "subresource": subresource,
        "group": group,
        "namespace": namespace,
    }
    review = {
        "spec": {
            "user": f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR}",
            "resourceAttributes": attributes,
        }
    }

    answer = cluster.rest.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)

    assert ("yes" if answer["status"]["allowed"] else "no") == allowed


def test_the_operators_kubeconfig_is_its_own(cluster: Cluster) -> None:
    kubeconfig = cluster.kubeconfig_for(OPERATOR_NAMESPACE, OPERATOR)

    who = cluster.kubectl("--kubeconfig", kubeconfig, "auth", "whoami", "--output=json")

    user = json.loads(who)["status"]["userInfo"]["username"]
    assert user == f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR}"
    assert kubeconfig.stat().st_mode & 0o077 == 0


def _restarts_what_dies(commands: Commands, name: str) -> None:
    first = commands.processes()[name]
    first.kill()
    deadline = time.monotonic() + SECONDS
    while commands.pids()[name] == first.pid:
        assert time.monotonic() < deadline, f"{name} was not started again"
