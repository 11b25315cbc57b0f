"""Where an ImageJob stands: gathered into a Situation, decided by an ordered chain of checks.

Nothing here knows what has been written to the API server; lifecycle.py compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from .model import FINISHED, ImageJob, ImageProfile, ImageStore, Phase
from .order import OrderItem
from .platform import Platform
from .reasons import Reason
from .report import Done, Failed
from .resolve import Held, Refused, Resolved, resolve
from .worker import Terminated, Worker


class Situation(msgspec.Struct, frozen=True):
    """All that bears on one ImageJob.

    `stores` are those of its namespace by name, `worker` the Job that carries it, `rival` the name
    of another live worker that writes to its destination.
    """

    job: ImageJob
    profile: ImageProfile | None = None
    stores: Mapping[str, ImageStore] = {}
    worker: Worker | None = None
    rival: str | None = None


class Standing(msgspec.Struct, frozen=True):
    """Where an ImageJob stands now, for people and for the status.

    `item` is what it was dispatched as, `outcome` what its worker reported, `ready` what could be
    dispatched at once.
    """

    phase: Phase
    reason: Reason
    message: str
    item: OrderItem | None = None
    worker: Worker | None = None
    outcome: Done | Failed | None = None
    ready: Resolved | None = None

    @property
    def is_finished(self) -> bool:
        return self.phase in FINISHED

    @property
    def is_admitted(self) -> bool:
        """Whether all it refers to was there, so that it was, or could be, dispatched."""
        return self.item is not None or self.phase == "Queued"


def stand(situation: Situation, platform: Platform) -> Standing:
    """The first check that has something to say decides."""
    for check in _CHECKS:
        standing = check(situation, platform)
        if standing:
            return standing
    raise AssertionError("the last check always answers")


def reported(situation: Situation, _platform: Platform) -> Standing | None:
    """The worker has reported on it: that is how it ended, whatever has happened since."""
    worker, job = situation.worker, situation.job
    entry = worker.entry(job.metadata.uid) if worker else None
    item = worker.item(job.metadata.uid) if worker else None
    if isinstance(entry, Done) and item:
        count = len(entry.outputs)
        where = f'{count} output{"s" if count != 1 else ""} in store "{item.destination.store}"'
        return Standing(
            "Succeeded",
            Reason.SUCCEEDED,
            f"{where} under {item.destination.prefix}/",
            item=item,
            worker=worker,
            outcome=entry,
        )
    if isinstance(entry, Failed):
        reason, message = Reason(entry.reason), entry.message
        return Standing("Failed", reason, message, item=item, worker=worker, outcome=entry)
    return None


def worker_ended(situation: Situation, _platform: Platform) -> Standing | None:
    """The worker's pod ended, or its Job gave up, and there is no word on this ImageJob."""
    worker = situation.worker
    if not worker or worker.is_live:
        return None
    item = worker.item(situation.job.metadata.uid)
    if worker.pod and worker.pod.status.reason == "DeadlineExceeded":
        return Standing(
            "Failed", Reason.TIMED_OUT, "the worker pod ran past its deadline", item, worker
        )
    ended = worker.pod.state.terminated if worker.pod else None
    if ended and ended.reason == "OOMKilled":
        message = "the kernel ended the worker pod for want of memory"
        return Standing("Failed", Reason.OUT_OF_MEMORY, message, item, worker)
    message = f"the worker pod ended without a report: {_how(worker, ended)}"
    return Standing("Failed", Reason.WORKER_LOST, message, item, worker)


def underway(situation: Situation, _platform: Platform) -> Standing | None:
    """A worker has it. What happens to the spec or the store meanwhile changes nothing."""
    worker = situation.worker
    if not worker:
        return None
    item = worker.item(situation.job.metadata.uid)
    pod = worker.pod
    if pod and pod.state.running:
        message = f"worker pod {pod.metadata.name} runs on node {pod.spec.node_name}"
        return Standing("Running", Reason.PROCESSING, message, item, worker)
    waiting = pod.state.waiting if pod else None
    why = f": {waiting.reason}" if waiting and waiting.reason else ""
    message = (
        f"worker Job {worker.job.metadata.name} has been created; its pod has not started{why}"
    )
    return Standing("Queued", Reason.DISPATCHED, message, item, worker)


def suspended(situation: Situation, _platform: Platform) -> Standing | None:
    """Somebody asked it to wait."""
    if not situation.job.spec.suspend:
        return None
    return Standing("Pending", Reason.SUSPENDED, "spec.suspend is true")


def held_or_ready(situation: Situation, platform: Platform) -> Standing:
    """Something is missing or wrong, its destination is taken, or nothing is in its way."""
    answer = resolve(situation.job, situation.profile, situation.stores, platform)
    if isinstance(answer, Held):
        return Standing("Pending", answer.reason, answer.message)
    if isinstance(answer, Refused):
        return Standing("Failed", answer.reason, answer.message)
    if situation.rival:
        prefix = answer.item.destination.prefix
        message = f"worker Job {situation.rival} still writes to {prefix}/"
        return Standing("Queued", Reason.DESTINATION_BUSY, message)
    return Standing("Queued", Reason.ADMITTED, "waits for a worker", ready=answer)


_CHECKS: tuple[Callable[[Situation, Platform], Standing | None], ...] = (
    reported,
    worker_ended,
    underway,
    suspended,
    held_or_ready,
)


def _how(worker: Worker, ended: Terminated | None) -> str:
    if ended:
        signal = ended.signal or max(ended.exit_code - 128, 0)
        return f"signal {signal}" if signal else f"exit code {ended.exit_code}"
    if worker.pod:
        return worker.pod.status.message or worker.pod.status.reason or "no container status"
    condition = worker.job.ended
    return condition.message or condition.reason if condition else "it has gone"
