"""What a pod's status says about its end, or about why it doesn't start, in the cluster's words.

A container's termination message is its own text, and the worker's is its report: it is quoted only
where the container failed before the worker could begin, or where the runtime wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator

from .pod import SCRATCH, Pod
from .pod_status import CONTAINER, ContainerStatus, Terminated

UNREMARKABLE = frozenset({"", "ContainerCreating", "PodInitializing", "RestartingAllContainers"})
"""Reasons for which a container waits although nothing has failed."""

QUOTED = 512
"""The maximum of characters of a quotation."""

OVERRUNS = {
    f'Usage of EmptyDir volume "{SCRATCH}" exceeds': (
        "its scratch volume outgrew worker.scratchSize"
    ),
    "Pod ephemeral local storage usage exceeds": "the pod outgrew its ephemeral-storage limit",
    f"Container {CONTAINER} exceeded its local ephemeral storage": (
        "the worker outgrew its ephemeral-storage limit"
    ),
}
"""How the kubelet's message begins when the worker wrote more than it may, and what overran."""


def why_it_waits(pod: Pod) -> str | None:
    """Return why one of its containers can't start unless something is changed."""
    for name, status in _containers(pod):
        waiting = status.state.waiting
        if waiting and waiting.reason not in UNREMARKABLE:
            return quoted(f"{name}{waiting.reason}: {waiting.message or 'no details are given'}")
    return None


def why_it_never_ran(pod: Pod) -> str:
    """Return what kept its worker container from running: "" if its status doesn't say."""
    failures = [
        f"{name}{_failure(status.state.terminated)}"
        for name, status in _containers(pod)
        if status.state.terminated and status.state.terminated.exit_code
    ]
    said = [_of_the_pod(pod), *failures[:1], why_it_waits(pod) or ""]
    return "; ".join(quoted(each) for each in said if each)


def why_removed(pod: Pod) -> str:
    """Return why the cluster removed it; "" if it doesn't say."""
    told = pod.disruption
    return quoted(_of_the_pod(pod) or (told.message or told.reason if told else ""))


def how_it_ended(pod: Pod) -> str:
    """Return how the worker container ended, and what the kubelet says about it."""
    ended = pod.state.terminated
    said = [_exit(ended)] if ended else []
    if ended and ended.reason not in ("", "Error", "Completed", "OOMKilled"):
        said.append(ended.reason)
    said.append(_of_the_pod(pod))
    return "; ".join(quoted(each) for each in said if each) or "no container status"


def overrun(pod: Pod) -> str | None:
    """Return what the worker's files outgrew, if the kubelet evicted it for that."""
    for begins, what in OVERRUNS.items():
        if pod.status.reason == "Evicted" and pod.status.message.startswith(begins):
            return f"{what}: {quoted(pod.status.message)}"
    return None


def quoted(text: str) -> str:
    """Return the text on one line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"


def _containers(pod: Pod) -> Iterator[tuple[str, ContainerStatus]]:
    """Yield how to name each container, in the order in which they start. Most clusters that inject
    containers have them start before the worker."""
    for status in pod.status.init_container_statuses:
        yield f'init container "{status.name}": ', status
    for status in pod.status.container_statuses:
        yield "" if status.name == CONTAINER else f'container "{status.name}": ', status


def _of_the_pod(pod: Pod) -> str:
    return ": ".join(each for each in (pod.status.reason, pod.status.message) if each)


def _failure(ended: Terminated) -> str:
    how = ended.reason if ended.reason not in ("", "Error") else _exit(ended)
    return f"{how}: {ended.message}" if ended.message else how


def _exit(ended: Terminated) -> str:
    signal = ended.signal or max(ended.exit_code - 128, 0)
    return f"signal {signal}" if signal else f"exit code {ended.exit_code}"
