"""What a kubelet does for a pod, and the process node imitates: the same tests for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.node_pods import IGNORE_SIGTERM, REPORT, SECONDS, Pods, pod, python, shell, terminated

if TYPE_CHECKING:
    from imagejob_dev.client import Client

pytestmark = pytest.mark.kubelet

# Variables that come from an image, a kubelet, or Python itself where there is no locale.
GIVEN = {"PATH", "HOME", "LANG", "LC_CTYPE", "GPG_KEY"}
GIVEN_PREFIXES = ("KUBERNETES_", "PYTHON")
DEADLINE_SECONDS = 5  # from when a node sees the pod: a container takes a second or two to start


def test_job_runs_to_completion(cluster: Client, pods: Pods) -> None:
    pods.create_job(pod(shell("echo out of $HOSTNAME; echo done > $REPORT")))
    status = cluster.wait_for(
        pods.jobs,
        lambda jobs: jobs[0]["status"] if jobs[0]["status"].get("succeeded") else None,
        SECONDS,
    )

    assert "Complete" in [condition["type"] for condition in status["conditions"]]
    ended = pods.over()
    assert terminated(ended)["message"] == "done\n"
    assert terminated(ended)["reason"] == "Completed"
    assert {each["type"]: each["status"] for each in ended["conditions"]} == {
        "PodScheduled": "True",
        "PodReadyToStartContainers": "False",
        "Initialized": "True",
        "ContainersReady": "False",
        "Ready": "False",
    }


def test_environment(cluster: Client, pods: Pods) -> None:
    pods.create_secret("creds", password="pa$(NAME)ss", user="u")
    settings = {"metadata": {"name": "settings"}, "data": {"MODE": "fast"}}
    cluster.rest.post(f"/api/v1/namespaces/{pods.namespace}/configmaps", settings)
    environment: list[dict[str, Any]] = [
        REPORT,
        {"name": "NAME", "value": "cat"},
        {"name": "EXPANDED", "value": "$(NAME)-$$(NAME)-$(ABSENT)-$(SECRET_user)"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "creds", "key": "password"}}},
        {
            "name": "NONE",
            "valueFrom": {"secretKeyRef": {"name": "no", "key": "no", "optional": True}},
        },
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "LARGE", "value": "x" * (96 << 10)},
    ]
    sources = [
        {"prefix": "SECRET_", "secretRef": {"name": "creds"}},
        {"configMapRef": {"name": "settings"}},
    ]
    command = python("""
        import json, os
        environment = dict(os.environ)
        environment["LARGE"] = len(environment["LARGE"])
        open(os.environ["REPORT"], "w").write(json.dumps(environment))
    """)

    found = pods.report_of(pod(command, container={"env": environment, "envFrom": sources}))

    asked_for = {
        name: value
        for name, value in found.items()
        if name not in GIVEN and not name.startswith(GIVEN_PREFIXES)
    }
    assert asked_for.pop("REPORT")
    assert asked_for == {
        "HOSTNAME": "subject",
        "SECRET_password": "pa$(NAME)ss",
        "SECRET_user": "u",
        "MODE": "fast",
        "NAME": "cat",
        "EXPANDED": "cat-$(NAME)-$(ABSENT)-u",
        "KEY": "pa$(NAME)ss",
        "POD": "subject",
        "LARGE": 96 << 10,
    }


def test_volumes(pods: Pods) -> None:
    pods.create_secret("creds", key="secret text", other="unused")
    volumes = [
        {
            "name": "creds",
            "secret": {
                "secretName": "creds",
                "items": [{"key": "key", "path": "s3/AWS_KEY"}],
                "defaultMode": 0o440,
            },
        },
        {"name": "absent", "secret": {"secretName": "absent", "optional": True}},
        {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
    ]
    mounts = [
        {"name": "creds", "mountPath": "/stores/uploads", "readOnly": True},
        {"name": "absent", "mountPath": "/stores/absent"},
        {"name": "scratch", "mountPath": "/scratch"},
    ]
    environment = [
        REPORT,
        {"name": "SECRET", "value": "/stores/uploads/s3/AWS_KEY"},
        {"name": "SCRATCH", "value": "/scratch"},
        {"name": "STORES", "value": "/stores"},
    ]
    command = python("""
        import json, os, pathlib, sys
        secret = pathlib.Path(os.environ["SECRET"])
        made = pathlib.Path(os.environ["SCRATCH"], "made")
        made.write_text("x")
        pathlib.Path(os.environ["REPORT"]).write_text(json.dumps({
            "secret": secret.read_text(),
            "mode": oct(secret.stat().st_mode & 0o777),
            "link": os.readlink(secret.parent),
            "files": [each.name for each in secret.parent.parent.rglob("*") if each.is_file()],
            "absent": [name for name in os.listdir(sys.argv[1]) if not name.startswith("..")],
            "stores": sorted(os.listdir(os.environ["STORES"])),
            "made": made.read_text(),
        }))
    """)
    container = {"env": environment, "volumeMounts": mounts, "args": ["/stores/absent"]}

    found = pods.report_of(pod(command, container=container, spec={"volumes": volumes}))

    assert found == {
        "secret": "secret text",
        "mode": "0o440",
        "link": "..data/s3",
        "files": ["AWS_KEY"],
        "absent": [],
        "stores": ["absent", "uploads"],
        "made": "x",
    }


def test_termination_message_is_the_end_of_the_file(pods: Pods) -> None:
    status = pods.run(pod(shell("yes ab | head --lines=2000 > $REPORT")))

    assert terminated(status)["message"] == ("ab\n" * 2000)[-4096:]


def test_termination_message_falls_back_to_the_log(pods: Pods) -> None:
    command = shell("echo what went wrong; exit 1")
    status = pods.run(pod(command, container={"terminationMessagePolicy": "FallbackToLogsOnError"}))

    assert terminated(status)["message"] == "what went wrong\n"


def test_failure_shows_its_exit_code(pods: Pods) -> None:
    status = pods.run(pod(shell("echo so it was; exit 3")))

    assert (status["phase"], terminated(status)["exitCode"]) == ("Failed", 3)
    assert terminated(status)["reason"] == "Error"
    assert pods.log() == "so it was\n"


def test_absent_program_is_a_start_error(pods: Pods) -> None:
    ended = terminated(pods.run(pod(["no-such-program"])))

    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "no-such-program" in ended["message"]


def test_deadline(pods: Pods) -> None:
    command = shell("trap 'exit 143' TERM; sleep 1000 & wait")
    status = pods.run(pod(command, spec={"activeDeadlineSeconds": DEADLINE_SECONDS}))

    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert terminated(status)["exitCode"] == 143


def test_deletion_lets_the_process_end_in_its_own_way(pods: Pods) -> None:
    stop = "trap 'echo told to stop > $REPORT; exit 7' TERM"
    pods.create(pod(shell(f"{stop}; sleep 1000 & echo ready; wait")))
    pods.until_log("ready")

    ended = terminated(pods.delete())

    assert (ended["exitCode"], ended["message"]) == (7, "told to stop\n")


def test_deletion_kills_after_the_grace_period(pods: Pods) -> None:
    pods.create(pod(python(IGNORE_SIGTERM), spec={"terminationGracePeriodSeconds": 1}))
    pods.until_log("ready")

    assert terminated(pods.delete())["exitCode"] == 137


def test_missing_secret_is_waited_for(cluster: Client, pods: Pods) -> None:
    pods.create(wants("late", shell("echo started > $REPORT")))

    status = pods.until(lambda status: "containerStatuses" in status)
    waiting = status["containerStatuses"][0]["state"]["waiting"]
    events = f"/api/v1/namespaces/{pods.namespace}/events?fieldSelector=reason%3DFailedMount"
    event = cluster.wait_for(events, lambda found: found[0] if found else None)
    pods.create_secret("late", key="value")
    ended = pods.over()

    assert (status["phase"], waiting["reason"]) == ("Pending", "ContainerCreating")
    assert event["message"] == (
        'MountVolume.SetUp failed for volume "creds" : secret "late" not found'
    )
    assert (ended["phase"], terminated(ended)["message"]) == ("Succeeded", "started\n")


def test_secret_that_no_container_mounts_is_not_waited_for(pods: Pods) -> None:
    volumes = [{"name": "creds", "secret": {"secretName": "never"}}]

    assert pods.run(pod(shell("exit 0"), spec={"volumes": volumes}))["phase"] == "Succeeded"


def test_pod_that_waits_for_a_secret_can_be_deleted(cluster: Client, pods: Pods) -> None:
    pods.create(wants("never", shell("exit 0")))
    pods.until(lambda status: "containerStatuses" in status)

    cluster.rest.delete(f"{pods.path}/subject")

    pods.until_gone()


def test_failed_container_is_restarted_if_the_pod_wants_that(pods: Pods) -> None:
    scratch: dict[str, Any] = {
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "restartPolicy": "OnFailure",
    }
    container = {
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        "env": [{"name": "SEEN", "value": "/scratch/seen"}],
    }
    status = pods.run(
        pod(shell("test -e $SEEN || { touch $SEEN; exit 4; }"), container=container, spec=scratch)
    )

    (main,) = status["containerStatuses"]
    assert (status["phase"], main["restartCount"]) == ("Succeeded", 1)
    assert main["lastState"]["terminated"]["exitCode"] == 4


def test_many_pods_at_once(cluster: Client, pods: Pods) -> None:
    pods.create_job(pod(shell("exit 0")), completions=40, parallelism=40)

    cluster.wait_for(
        pods.jobs,
        lambda jobs: True if jobs[0]["status"].get("succeeded") == 40 else None,
        seconds=90,
    )


def wants(secret: str, command: list[str]) -> dict[str, Any]:
    """A pod that mounts a Secret."""
    volumes = [{"name": "creds", "secret": {"secretName": secret}}]
    mounts = [{"name": "creds", "mountPath": "/creds"}]
    return pod(command, container={"volumeMounts": mounts}, spec={"volumes": volumes})
