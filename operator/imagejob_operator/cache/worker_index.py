"""Jobs and pods that may still process an ImageJob, or write to a destination.

They are indexed by their ImageJobs, destinations, names and owners. A pod's own order says what it
processes, whoever owns it, and whether or not its Job exists.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.kube.object_store import ObjectStore, age
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker, WorkerJob

from .destinations import Spot, discard
from .last_failure import is_spent, worker_shown
from .pod_index import PodIndex
from .reconcile_key import Key, key


class WorkerIndex:
    """All workers by namespace and name.

    A worker with a deleted Job is kept until `forget`, while a pod of it may write, or a status has
    yet to record its end.
    """

    def __init__(self) -> None:
        self.jobs: ObjectStore[Key, WorkerJob] = ObjectStore(key)
        self._by_uid: dict[str, Key] = {}
        self._pods = PodIndex(self._by_uid.__contains__)
        self.pods = self._pods.pods
        self._gone: dict[Key, WorkerJob] = {}
        self._in_namespace: defaultdict[str, set[Key]] = defaultdict(set)
        self._carriers: defaultdict[str, set[Key]] = defaultdict(set)
        self._met: dict[Key, None] = {}

    def upsert(self, job: WorkerJob) -> bool:
        """Store a Job; return whether anything relevant changed."""
        at = key(job)
        known = self.jobs.get(at)
        if not self.jobs.put(job) or _says_the_same(known, job):
            return False
        if known and known.metadata.uid != job.metadata.uid:
            self._drop(known)  # its deletion was not observed
        self._met[at] = None
        self._by_uid[job.metadata.uid] = at
        self._in_namespace[job.metadata.namespace].add(at)
        for item in job.items:
            self._carriers[item.uid].add(at)
        return True

    def remove(self, job: WorkerJob) -> bool:
        """Record that the Job was deleted; return whether it was stored."""
        if not self.jobs.drop(job):
            return False
        at = key(job)
        before = self._gone.get(at)
        if before:
            self._drop(before)
        self._gone[at] = job
        for item in job.items:
            self._carriers[item.uid].add(at)
        return True

    def upsert_pod(self, pod: Pod) -> bool:
        """Store a pod; return whether anything relevant changed."""
        return self._pods.upsert(pod)

    def remove_pod(self, pod: Pod) -> bool:
        """Remove a deleted pod; return whether it was stored."""
        return self._pods.remove(pod)

    def give_up(self, pod: Pod) -> bool:
        """Treat the pod as lost with its node; return whether that is new."""
        return self._pods.give_up(pod)

    def forget(self, at: Key) -> WorkerJob | None:
        """Forget the worker if its Job was deleted; return that Job."""
        gone = self._gone.pop(at, None)
        if not gone:
            return None
        self._drop(gone)
        known = self.jobs.get(at)
        if not known:
            discard(self._in_namespace, at[0], at)
        for item in known.items if known else ():
            self._carriers[item.uid].add(at)
        return gone

    def gone(self, at: Key) -> Worker | None:
        """Return the worker if its Job was deleted."""
        job = self._gone.get(at)
        return self.with_pod(job) if job and not self.jobs.get(at) else None

    def find(self, at: Key) -> Worker | None:
        """Return the worker, including one whose Job was deleted."""
        job = self.jobs.get(at) or self._gone.get(at)
        return self.with_pod(job) if job else None

    def with_pod(self, job: WorkerJob) -> Worker:
        """Return the Job with the pods that it controls, or did."""
        uid, known = job.metadata.uid, self.jobs.get(key(job))
        pods = [pod for pod in self._pods.of(uid) if _was_made_by(job, pod)]
        return Worker(
            job,
            pods[-1] if pods else None,
            tuple(pods[:-1]),
            tuple(pod for pod in self._pods.past_of(uid) if _was_made_by(job, pod)),
            is_gone=known is None or known.metadata.uid != uid,
        )

    def carrier(self, job: ImageJob) -> Worker | None:
        """Return the worker of the ImageJob; of several, the newest that isn't being deleted.

        Only workers of its own namespace count: otherwise any tenant could report on any other's
        ImageJobs. While the worker that the status names exists, no other replaces it.
        """
        namespace, uid = job.metadata.namespace, job.metadata.uid
        found = [self.find(at) for at in self.carriers(uid) if at[0] == namespace]
        workers = [
            worker
            for worker in found
            if worker
            and not is_spent(worker.job, job)
            and (not worker.is_gone or worker.has_something_to_tell(uid))
        ]
        named = worker_shown(job)
        return max(
            workers,
            key=lambda worker: (
                not worker.is_gone,
                not worker.job.is_deleting,
                worker.job.metadata.name == named,
                *age(worker.job),
            ),
            default=None,
        )

    def carriers(self, uid: str) -> Collection[Key]:
        """Return the keys of Jobs that claim to have the ImageJob, in any namespace."""
        return self._carriers.get(uid, ())

    def pods_for(self, namespace: str, uid: str, spots: Iterable[Spot]) -> Iterator[Pod]:
        """Yield pods in the namespace that have the ImageJob, or write there: live or not."""
        return self._pods.at_work_for(namespace, uid, spots)

    def job_of(self, pod: Pod) -> Key | None:
        """Return the key of the Job that controls, or controlled, the pod."""
        controller = pod.controller
        return self._by_uid.get(controller.uid) if controller else None

    def is_stray(self, pod: Pod) -> bool:
        """Whether no existing Job controls the pod and has created it."""
        at = self.job_of(pod)
        known = self.jobs.get(at) if at else None
        return not known or not _was_made_by(known, pod)

    def is_taken_away(self, pod: Pod) -> bool:
        """Whether the pod was detached from its Job: it has another owner, or none."""
        return pod.controller is None or (self.job_of(pod) is not None and self.is_stray(pod))

    def pods_of(self, job: WorkerJob) -> list[Pod]:
        """Return the pods that name the Job as their controller."""
        return self._pods.of(job.metadata.uid)

    def _drop(self, job: WorkerJob) -> None:
        """Remove exactly this Job, not a successor of its name."""
        self._pods.forget_past(job.metadata.uid)
        self._by_uid.pop(job.metadata.uid, None)
        for item in job.items:
            discard(self._carriers, item.uid, key(job))

    def live_in(self, namespace: str) -> list[Worker]:
        """Return workers that may be running, or start soon."""
        known = (self.find(at) for at in self._in_namespace.get(namespace, ()))
        return [worker for worker in known if worker and worker.job.items and worker.is_live]

    def keys_in(self, namespace: str) -> list[Key]:
        """Return the keys of the namespace's workers."""
        return list(self._in_namespace.get(namespace, ()))

    def namespaces(self) -> list[str]:
        """Return the namespaces with workers."""
        return list(self._in_namespace)

    def met(self) -> list[Key]:
        """Return the workers observed since the last call, including deleted ones."""
        found = list(self._met)
        self._met.clear()
        return found


def _was_made_by(job: WorkerJob, pod: Pod) -> bool:
    """Whether the Job controls the pod, and the pod has the Job's order."""
    controls = pod.controller is not None and pod.controller.uid == job.metadata.uid
    made_for = [(item.uid, item.attempt) for item in job.items]
    return controls and [(each.uid, each.attempt) for each in pod.carries] == made_for


def _says_the_same(known: WorkerJob | None, thing: WorkerJob) -> bool:
    """Whether nothing relevant differs: most updates change only the version."""
    if known is None:
        return False
    old, new = known.metadata, thing.metadata
    return (known.spec, known.status) == (thing.spec, thing.status) and (
        (old.uid, old.deletion_timestamp, old.labels)
        == (new.uid, new.deletion_timestamp, new.labels)
    )
