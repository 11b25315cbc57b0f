"""Workers that never run, on a real kubelet: what it says reaches the ImageJob.

docs/lifecycle.md has the table of all ends; these are those that can be provoked. A policy for each
namespace changes the worker pods there, as a webhook of somebody else's might.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support import namespaces
from support.conditions import until
from support.tenant import Body, Tenant, image_job, picture, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from support.release import Release

SECONDS = 60.0
SPEC, WORKER = "/spec", "/spec/containers/0"
NODE, IMAGE = "NODE", "IMAGE"
MARK = "changed"
"""An annotation of what a policy has changed."""


class Case(NamedTuple):
    """What a policy puts into the pod, as paths and CEL, and what the ImageJob says then."""

    changes: dict[str, str]
    words: str
    has_secret: bool = True


def injected(command: str) -> dict[str, str]:
    """An init container of the worker's image."""
    words = json.dumps(["python", "-c", command])
    fields = f'name: "mesh", image: "{IMAGE}", imagePullPolicy: "IfNotPresent", command: {words}'
    policy = 'terminationMessagePolicy: "FallbackToLogsOnError"'
    return {f"{SPEC}/initContainers": f"[Object.spec.initContainers{{{fields}, {policy}}}]"}


BOUND = {f"{SPEC}/nodeName": f'"{NODE}"'}
FAILS = "raise SystemExit('iptables: Permission denied')"
SLEEPS = "import time; time.sleep(60)"
CASES = {
    "full node": Case(
        {**BOUND, f"{WORKER}/resources/requests/cpu": '"1000"'},
        "OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu",
    ),
    "other labels": Case(
        {**BOUND, f"{SPEC}/nodeSelector": '{"no": "such"}'},
        "didn't match Pod's node affinity/selector",
    ),
    "sysctl": Case(
        {
            f"{SPEC}/securityContext/sysctls": (
                '[Object.spec.securityContext.sysctls{name: "kernel.msgmax", value: "1"}]'
            )
        },
        "SysctlForbidden",
    ),
    "no program": Case(
        {f"{WORKER}/command": '["no-such-program"]'},
        "executable file not found",
    ),
    "no image": Case(
        {f"{WORKER}/image": '"registry.invalid/missing:v1"'},
        "registry.invalid/missing:v1",
    ),
    "no pull": Case(
        {
            f"{WORKER}/image": '"registry.invalid/missing:v1"',
            f"{WORKER}/imagePullPolicy": '"Never"',
        },
        "ErrImageNeverPull",
    ),
    "no variable": Case(
        {
            f"{WORKER}/env/-": (
                'Object.spec.containers.env{name: "X", valueFrom: '
                "Object.spec.containers.env.valueFrom{secretKeyRef: "
                "Object.spec.containers.env.valueFrom.secretKeyRef"
                '{name: "no-such-secret", key: "x"}}}'
            )
        },
        'CreateContainerConfigError: secret "no-such-secret" not found',
    ),
    "no secret": Case({}, 'secret "uploads-s3" not found', has_secret=False),
    "init container fails": Case(
        injected(FAILS),
        'init container "mesh": exit code 1: iptables: Permission denied',
    ),
    "init container without image": Case(
        {
            f"{SPEC}/initContainers": (
                '[Object.spec.initContainers{name: "mesh", image: "registry.invalid/mesh:v1"}]'
            )
        },
        'init container "mesh": ',
    ),
    "deadline before the start": Case(
        {**injected(SLEEPS), f"{SPEC}/activeDeadlineSeconds": "3"},
        "DeadlineExceeded",
    ),
}


@pytest.fixture
def teams(cluster: Client, installed: Release) -> Iterator[dict[str, Tenant]]:
    """A team for each case, whose worker pods its policy changes."""
    (node,) = [each["metadata"]["name"] for each in cluster.rest.get("/api/v1/nodes")["items"]][:1]
    names = {NODE: node, IMAGE: installed.images.worker}
    with ExitStack() as stack, ThreadPoolExecutor(len(CASES)) as pool:
        made = {}
        for name in CASES:
            namespace = stack.enter_context(namespaces.fresh(cluster, labels={}))
            stack.callback(remove, cluster, namespace)
            made[name] = Tenant(cluster, namespace)
        changed = [(made[name], case, names) for name, case in CASES.items() if case.changes]
        list(pool.map(lambda each: change_workers(*each), changed))
        yield made


def change_workers(team: Tenant, case: Case, names: dict[str, str]) -> None:
    """Have a policy change the team's worker pods; return once it does."""
    marked = {"/metadata/annotations": json.dumps({MARK: "yes"}), **case.changes}
    patches = [
        f"JSONPatch{{op: 'add', path: '{path}', value: {value}}}" for path, value in marked.items()
    ]
    expression = f"[{', '.join(patches)}]"
    for placeholder, name in names.items():
        expression = expression.replace(placeholder, name)
    about = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": team.namespace}},
            "resourceRules": [{**about, "operations": ["CREATE"]}],
        },
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
    }
    kind, version = "MutatingAdmissionPolicy", "admissionregistration.k8s.io/v1"
    head = {"apiVersion": version, "metadata": {"name": team.namespace}}
    binding = {"policyName": team.namespace}
    team.apply(
        {**head, "kind": kind, "spec": spec}, {**head, "kind": f"{kind}Binding", "spec": binding}
    )
    until(lambda: is_changed(team), every=0.2)


def is_changed(team: Tenant) -> bool:
    """Whether the API server acts on the team's policy."""
    container = {"name": "worker", "image": "any", "env": [{"name": "A", "value": "a"}]}
    memory = {"memory": "16Mi"}
    room = {"requests": {"cpu": "1", **memory}, "limits": memory}
    spec = {
        "containers": [{**container, "resources": room}],
        "securityContext": {"runAsUser": 1},
    }
    pod = {"metadata": {"name": "trial"}, "spec": spec}
    made = team.cluster.rest.post(f"{team.path('pods')}?dryRun=All", pod)
    return MARK in made["metadata"].get("annotations", {})


def remove(cluster: Client, name: str) -> None:
    for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
        cluster.kubectl("delete", kind, name, "--ignore-not-found")


def test_what_the_kubelet_says_reaches_the_image_job(teams: dict[str, Tenant]) -> None:
    def told(name: str) -> str:
        team, case = teams[name], CASES[name]
        team.put("incoming/cat.jpg", picture())
        team.apply(*([team.secret()] if case.has_secret else []), team.store(), image_job())
        status = team.wait("cat", lambda status: shows(status, case), SECONDS)
        return f"{name}: {message(status)}"

    with ThreadPoolExecutor(len(CASES)) as pool:
        said = list(pool.map(told, CASES))

    assert len(said) == len(CASES)


def shows(status: Body, case: Case) -> bool:
    cost = status.get("lastFailure", {}).get("attempt", 0)
    return (reason(status), cost) == ("WorkerRefused", 0) and case.words in message(status)


def message(status: Body) -> str:
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    text: str = conditions.get("Ready", {}).get("message", "")
    return text
