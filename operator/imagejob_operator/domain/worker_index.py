"""The worker Jobs and their pods, found by whom they carry, where they are and whose they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from .destinations import discard
from .mirror import Mirror
from .subjects import Key, key
from .worker import Pod, Worker, WorkerJob


class WorkerIndex:
    """All there are, by namespace and name.

    A worker whose Job has gone is still known while a pod of it may write: until `forget`.
    """

    def __init__(self) -> None:
        self.jobs: Mirror[Key, WorkerJob] = Mirror(key)
        self.pods: Mirror[Key, Pod] = Mirror(key)
        self._gone: dict[Key, WorkerJob] = {}
        self._in_namespace: defaultdict[str, set[Key]] = defaultdict(set)
        self._carriers: defaultdict[str, set[Key]] = defaultdict(set)
        self._pods_of: defaultdict[Key, set[Key]] = defaultdict(set)
        self._met: dict[Key, None] = {}

    def see(self, job: WorkerJob) -> bool:
        """Says whether there is anything new about it that matters."""
        at = key(job)
        known = self.jobs.get(at)
        if not self.jobs.put(job) or _says_the_same(known, job):
            return False
        self._met[at] = None
        self._in_namespace[job.metadata.namespace].add(at)
        for item in job.items:
            self._carriers[item.uid].add(at)
        return True

    def lose(self, job: WorkerJob) -> bool:
        """The Job has gone. Says whether it was there."""
        if not self.jobs.drop(job):
            return False
        for item in job.items:
            discard(self._carriers, item.uid, key(job))
        self._gone[key(job)] = job
        return True

    def see_pod(self, pod: Pod) -> bool:
        """Says whether there is anything new about it that matters."""
        known = self.pods.get(key(pod))
        if not self.pods.put(pod) or _says_the_same(known, pod):
            return False
        self._pods_of[job_of(pod)].add(key(pod))
        return True

    def lose_pod(self, pod: Pod) -> bool:
        """It has gone. Says whether it was there."""
        if not self.pods.drop(pod):
            return False
        discard(self._pods_of, job_of(pod), key(pod))
        return True

    def forget(self, at: Key) -> WorkerJob | None:
        """If the Job there has gone, and its pods have ended too, that Job: it is known no more."""
        gone = self._gone.get(at)
        pods = (self.pods.get(each) for each in self._pods_of.get(at, ()))
        if not gone or any(pod and not pod.has_ended for pod in pods):
            return None
        del self._gone[at]
        if not self.jobs.get(at):
            discard(self._in_namespace, at[0], at)
        return gone

    def find(self, at: Key) -> Worker | None:
        """The worker there, also one whose Job has gone."""
        job = self.jobs.get(at) or self._gone.get(at)
        return self.with_pod(job) if job else None

    def with_pod(self, job: WorkerJob) -> Worker:
        """The Job and the newest of its pods."""
        pods = [pod for at in self._pods_of.get(key(job), ()) if (pod := self.pods.get(at))]
        return Worker(job, max(pods, key=age, default=None))

    def carriers(self, uid: str) -> Collection[Key]:
        """Where the Jobs are that carry the ImageJob, or say so, in any namespace."""
        return self._carriers.get(uid, ())

    def live_in(self, namespace: str) -> list[Worker]:
        """Those that may be at work, or soon be."""
        known = (self.find(at) for at in self._in_namespace.get(namespace, ()))
        return [worker for worker in known if worker and worker.job.items and worker.is_live]

    def namespaces(self) -> list[str]:
        """Where there are any."""
        return list(self._in_namespace)

    def met(self) -> list[Key]:
        """Those that were seen since this was last asked, even if they have gone by now."""
        found = list(self._met)
        self._met.clear()
        return found


def job_of(pod: Pod) -> Key:
    """Where the Job is that has made the pod."""
    return pod.metadata.namespace, pod.job_name


def age(thing: WorkerJob | Pod) -> tuple[float, str]:
    """Sorts the newest last."""
    created = thing.metadata.creation_timestamp
    return created.timestamp() if created else 0.0, thing.metadata.name


def _says_the_same(known: WorkerJob | Pod | None, thing: WorkerJob | Pod) -> bool:
    """Whether all that matters of it here was known: the most of what is heard is a new version."""
    if known is None:
        return False
    old, new = known.metadata, thing.metadata
    return (known.spec, known.status) == (thing.spec, thing.status) and (
        (old.uid, old.deletion_timestamp, old.labels)
        == (new.uid, new.deletion_timestamp, new.labels)
    )
