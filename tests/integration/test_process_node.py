"""What the process node copies of a kubelet, seen through a real API server."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from node_pods import REPORT, Pods, pod, python, shell, terminated

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster

DUMP_ENVIRONMENT = python(
    "import json, os; open(os.environ['REPORT'], 'w').write(json.dumps(dict(os.environ)))"
)
IGNORE_SIGTERM = python("""
    import os, signal, subprocess
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "1000"])
    print(child.pid, flush=True)
    child.wait()
""")


@pytest.fixture
def pods(cluster: Cluster, namespace: str) -> Pods:
    return Pods(cluster, namespace)


def test_job_runs_to_completion(cluster: Cluster, pods: Pods) -> None:
    template = pod(shell("echo out of $HOSTNAME; echo done > $REPORT"))["spec"]
    job = {"metadata": {"name": "hello"}, "spec": {"template": {"spec": template}}}
    jobs = f"/apis/batch/v1/namespaces/{pods.namespace}/jobs"

    cluster.rest.post(jobs, job)
    status = cluster.wait_for(
        jobs, lambda found: found[0]["status"] if found[0]["status"].get("succeeded") else None
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


def test_environment(cluster: Cluster, pods: Pods) -> None:
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

    for own in ("PATH", "HOME", "REPORT"):
        found.pop(own)
    assert found == {
        "HOSTNAME": "subject",
        "LC_CTYPE": "C.UTF-8",  # Python sets it itself, where there is no locale
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
            "files": [each.name for each in secret.parent.parent.rglob("*") if each.is_file()],
            "absent": os.listdir(sys.argv[1]),
            "stores": sorted(os.listdir(os.environ["STORES"])),
            "made": made.read_text(),
        }))
    """)
    container = {"env": environment, "volumeMounts": mounts, "args": ["/stores/absent"]}

    found = pods.report_of(pod(command, container=container, spec={"volumes": volumes}))

    assert found == {
        "secret": "secret text",
        "mode": "0o440",
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


def test_killed_process_shows_137(pods: Pods) -> None:
    pods.create(pod(["sleep", "1000"]))
    os.kill(pods.until_running(), signal.SIGKILL)

    status = pods.over()

    assert (status["phase"], terminated(status)["exitCode"]) == ("Failed", 137)


def test_absent_program_is_a_start_error(pods: Pods) -> None:
    ended = terminated(pods.run(pod(["no-such-program"])))

    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "no-such-program" in ended["message"]


def test_deadline(pods: Pods) -> None:
    status = pods.run(pod(["sleep", "1000"], spec={"activeDeadlineSeconds": 1}))

    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert terminated(status)["exitCode"] == 143


def test_deletion_lets_the_process_end_in_its_own_way(cluster: Cluster, pods: Pods) -> None:
    command = shell(
        "trap 'echo told to stop; exit 7' TERM; echo ready > $REPORT; sleep 1000 & wait"
    )
    pods.create(pod(command))
    process = psutil.Process(pods.until_running())
    _wait_for_child(process)

    cluster.rest.delete(f"{pods.path}/subject")
    pods.until_gone()

    assert pods.log() == "told to stop\n"
    assert not process.is_running()


def test_deletion_kills_the_whole_group_after_the_grace_period(
    cluster: Cluster, pods: Pods
) -> None:
    pods.create(pod(IGNORE_SIGTERM, spec={"terminationGracePeriodSeconds": 1}))
    process = psutil.Process(pods.until_running())
    child = _wait_for_child(process)

    cluster.rest.delete(f"{pods.path}/subject")
    pods.until_gone()

    assert not process.is_running()
    gone, _ = psutil.wait_procs([child], timeout=5)
    assert gone == [child]


def test_forced_deletion_kills_at_once(cluster: Cluster, pods: Pods) -> None:
    pods.create(pod(IGNORE_SIGTERM))
    process = psutil.Process(pods.until_running())

    cluster.rest.delete(f"{pods.path}/subject?gracePeriodSeconds=0")

    gone, _ = psutil.wait_procs([process], timeout=5)
    assert gone == [process]


def test_missing_secret_is_waited_for(cluster: Cluster, pods: Pods) -> None:
    volumes = [{"name": "creds", "secret": {"secretName": "late"}}]
    pods.create(pod(shell("echo started > $REPORT"), spec={"volumes": volumes}))

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


def test_pod_that_waits_for_a_secret_can_be_deleted(cluster: Cluster, pods: Pods) -> None:
    volumes = [{"name": "creds", "secret": {"secretName": "never"}}]
    pods.create(pod(shell("exit 0"), spec={"volumes": volumes}))
    pods.until(lambda status: "containerStatuses" in status)

    cluster.rest.delete(f"{pods.path}/subject")

    pods.until_gone()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (
            {"spec": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}},
            "volume host is of kind hostPath",
        ),
        (
            {"spec": {"initContainers": [{"name": "i", "image": "none", "command": ["true"]}]}},
            "init containers",
        ),
        ({"spec": {"automountServiceAccountToken": True}}, "automountServiceAccountToken: false"),
        ({"container": {"command": []}}, "container main has no command"),
    ],
    ids=["hostPath", "initContainers", "service account token", "no command"],
)
def test_what_it_cannot_honour_fails_at_once(
    pods: Pods, fields: dict[str, Any], complaint: str
) -> None:
    status = pods.run(pod(shell("exit 0"), **fields))

    assert (status["phase"], status["reason"]) == ("Failed", "Unsupported")
    assert complaint in status["message"]


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


def test_pods_of_a_node_that_restarted_are_lost(cluster: Cluster, pods: Pods) -> None:
    pods.create(pod(["sleep", "1000"]))
    process = psutil.Process(pods.until_running())

    cluster.node.stop()
    gone, _ = psutil.wait_procs([process], timeout=5)
    cluster.node.start()
    status = pods.over()

    assert gone == [process]
    assert (status["phase"], status["reason"]) == ("Failed", "NodeRestarted")
    assert terminated(status)["exitCode"] == 137


def test_pods_outlast_an_outage_of_the_api_server(cluster: Cluster, pods: Pods) -> None:
    pods.create(pod(shell("sleep 1000 & trap 'exit 0' TERM; wait")))
    process = psutil.Process(pods.until_running())
    _wait_for_child(process)

    cluster.apiserver.stop()
    process.terminate()
    gone, _ = psutil.wait_procs([process], timeout=5)
    cluster.apiserver.start()

    assert gone == [process]
    assert pods.over()["phase"] == "Succeeded"


def test_many_pods_at_once(cluster: Cluster, pods: Pods) -> None:
    template = pod(shell("exit 0"))["spec"]
    spec = {"template": {"spec": template}, "completions": 40, "parallelism": 40}
    jobs = f"/apis/batch/v1/namespaces/{pods.namespace}/jobs"

    cluster.rest.post(jobs, {"metadata": {"name": "many"}, "spec": spec})

    cluster.wait_for(
        jobs, lambda found: True if found[0]["status"].get("succeeded") == 40 else None, seconds=60
    )


def _wait_for_child(process: psutil.Process) -> psutil.Process:
    """Its first child; until that runs, a trap or a handler may not be set yet."""
    while not (children := process.children()):
        assert process.is_running()
    return children[0]
