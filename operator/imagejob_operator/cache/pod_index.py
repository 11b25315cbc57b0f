"""Worker pods, and as much of deleted ones as is needed to judge an attempt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import msgspec

from imagejob_operator.contract.carried import Carried
from imagejob_operator.kube.object_store import ObjectStore, age, version
from imagejob_operator.kube.pod import UNSEEN, Pod
from imagejob_operator.kube.pod_status import (
    CONTAINER,
    UNKNOWN_END,
    ContainerState,
    ContainerStatus,
    PodStatus,
    StateCondition,
    Terminated,
)

from .destinations import Spot, discard, spots
from .reconcile_key import Key, key


class PodIndex:
    """Worker pods by the UID of their Job, by their ImageJobs, and by their destinations.

    Deleted pods are kept, until `forget_past`, for a Job that `knows` reports as known.
    """

    def __init__(self, knows: Callable[[str], bool]) -> None:
        self._knows = knows
        self.pods: ObjectStore[Key, Pod] = ObjectStore(key)
        self._of: defaultdict[str, set[Key]] = defaultdict(set)
        self._past: defaultdict[str, dict[str, Pod]] = defaultdict(dict)
        self._for: defaultdict[str, set[Key]] = defaultdict(set)
        self._at: defaultdict[Spot, set[Key]] = defaultdict(set)
        self._given_up: set[str] = set()

    def upsert(self, pod: Pod) -> bool:
        """Store a pod; return whether anything relevant changed."""
        at = key(pod)
        known = self.pods.get(at)
        pod = _since(known, pod)
        if not self.pods.put(pod) or _says_the_same(known, pod):
            return False
        if known:
            self._leave(known, is_there=known.metadata.uid == pod.metadata.uid, now=pod)
        if pod.controller:
            self._of[pod.controller.uid].add(at)
        for item in pod.carries:
            self._for[item.uid].add(at)
            for spot in spots_carried(at[0], item):
                self._at[spot].add(at)
        return True

    def remove(self, pod: Pod) -> bool:
        """Remove a deleted pod; return whether it was stored.

        Its last state is kept if that is newer than the stored one: otherwise its end was not
        observed.
        """
        known = self.pods.get(key(pod))
        is_seen = known is not None and version(pod) > version(known)
        pod = _since(known, pod)
        if not self.pods.drop(pod):
            return False
        if not is_seen and not pod.has_ended:
            pod = _in(UNSEEN, pod)
        self._leave(pod, is_there=False)
        self._given_up.discard(pod.metadata.uid)
        return True

    def give_up(self, pod: Pod) -> bool:
        """Treat the pod as lost with its node, whatever the node reports when it returns.

        Return whether that is new.
        """
        known, uid = self.pods.get(key(pod)), pod.metadata.uid
        if not known or known.metadata.uid != uid or uid in self._given_up:
            return False
        self._given_up.add(uid)
        return True

    def of(self, job: str) -> list[Pod]:
        """Return the pods that the Job with that UID controls, the newest last."""
        found = (self._get(at) for at in self._of.get(job, ()))
        return sorted((pod for pod in found if pod), key=age)

    def past_of(self, job: str) -> tuple[Pod, ...]:
        """Return the last states of deleted pods of the Job, the newest last."""
        return tuple(sorted(self._past.get(job, {}).values(), key=age))

    def forget_past(self, job: str) -> None:
        """Forget deleted pods of the Job: all their ends are recorded."""
        self._past.pop(job, None)

    def at_work_for(self, namespace: str, uid: str, spots: Iterable[Spot]) -> Iterator[Pod]:
        """Yield pods of the namespace that have the ImageJob, or write to one of the spots."""
        found = set(self._for.get(uid, ())).union(*(self._at.get(spot, ()) for spot in spots))
        for at in sorted(found):
            pod = self._get(at)
            if pod and at[0] == namespace:
                yield pod

    def _get(self, at: Key) -> Pod | None:
        pod = self.pods.get(at)
        return _lost(pod) if pod and pod.metadata.uid in self._given_up else pod

    def _leave(self, pod: Pod, *, is_there: bool, now: Pod | None = None) -> None:
        """Remove index entries of a pod that was deleted, or changed its owner."""
        at, controller = key(pod), pod.controller
        if not is_there:
            for item in pod.carries:
                discard(self._for, item.uid, at)
                for spot in spots_carried(at[0], item):
                    discard(self._at, spot, at)
        if not controller:
            return
        keeps = is_there and now and now.controller and now.controller.uid == controller.uid
        if not keeps:
            discard(self._of, controller.uid, at)
        if not keeps and self._knows(controller.uid):
            was_given_up = pod.metadata.uid in self._given_up
            self._past[controller.uid][pod.metadata.uid] = (_lost if was_given_up else _ended)(pod)


def spots_carried(namespace: str, item: Carried) -> tuple[Spot, ...]:
    """Return where a pod of the namespace writes the outputs of that ImageJob."""
    return spots(namespace, item.destination, item.place)


def _since(known: Pod | None, pod: Pod) -> Pod:
    """Keep that a container has begun, and its report, once its kubelet has forgotten it."""
    if not known or known.metadata.uid != pod.metadata.uid or pod.has_begun or not known.has_begun:
        return pod
    ended, began = pod.state.terminated, known.state.running or known.state.terminated
    if not began or not (ended or pod.has_ended):
        return pod
    last = ended or known.state.terminated or Terminated(exit_code=137, reason=UNKNOWN_END)
    state = ContainerState(terminated=msgspec.structs.replace(last, started_at=began.started_at))
    status = msgspec.structs.replace(
        pod.status, container_statuses=(ContainerStatus(CONTAINER, state),)
    )
    return msgspec.structs.replace(pod, status=status)


def _ended(pod: Pod) -> Pod:
    """Return the last state of a pod, which has ended by now."""
    return pod if pod.has_ended or pod.status.phase == UNSEEN else _in("Failed", pod)


def _in(phase: str, pod: Pod) -> Pod:
    status = msgspec.structs.replace(pod.status, phase=phase)
    return msgspec.structs.replace(pod, status=status)


def _lost(pod: Pod) -> Pod:
    """Return the pod as the cluster would report it after a node failure."""
    condition = StateCondition("DisruptionTarget", "True", "DeletionByTaintManager")
    status = PodStatus(
        phase="Failed",
        conditions=(*pod.status.conditions, condition),
        container_statuses=pod.status.container_statuses,
    )
    return msgspec.structs.replace(pod, status=status, is_given_up=True)


def _says_the_same(known: Pod | None, pod: Pod) -> bool:
    """Whether nothing relevant differs."""
    if known is None:
        return False
    old, new = known.metadata, pod.metadata
    return (known.spec, known.status, known.carries) == (pod.spec, pod.status, pod.carries) and (
        (old.uid, old.deletion_timestamp, old.labels, old.owner_references)
        == (new.uid, new.deletion_timestamp, new.labels, new.owner_references)
    )
