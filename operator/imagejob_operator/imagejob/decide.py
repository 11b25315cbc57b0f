"""What to do next about one ImageJob: a pure function of what is known, what was, and the time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from imagejob_operator.api.imagejob import AuditEntry, ImageJob, ImageJobStatus
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.bounds import lowered
from imagejob_operator.config.platform import Platform
from imagejob_operator.kube.worker import Worker

from . import audit
from .audit_merging import Run, is_idle, merged
from .evaluate import evaluate
from .inputs import Inputs, JobState, Refusal
from .status import describe
from .worker_checks import is_stuck, patience_ends


class JobHistory(msgspec.Struct, frozen=True):
    """What is remembered of an unfinished ImageJob from look to look; lost with the process.

    `last` is the newest transition (phase, reason), `since` when it was seen, `entries` the history
    that no status shows yet, `told` the highest sequence number that went to the audit log,
    `missing` the worker Job that its status named and that was not there, `quota` what the quota
    said of it, `run` how much of the untold history came to pass for nothing.
    """

    last: tuple[str, str] | None = None
    since: datetime | None = None
    entries: tuple[AuditEntry, ...] = ()
    emitted: int = 0
    refusal: Refusal | None = None
    missing: str = ""
    quota: audit.QuotaDecision | None = None
    run: Run = Run()

    def refused(self, message: str, until: datetime, about: str = "") -> JobHistory:
        """Remember that no worker could be started, or that the pod `about` doesn't start."""
        return msgspec.structs.replace(self, refusal=Refusal(message, until, about))

    def ask_at(self, worker: Worker, patience: timedelta) -> datetime | None:
        """When to ask why the worker gets no pod, or its pod doesn't start; None if it is well."""
        at = patience_ends(worker, patience)
        if not at or worker.is_suspended or (worker.pod and not is_stuck(worker.pod)):
            return None
        return max(at, self.refusal.until) if self.refusal else at

    def noticing(self, worker: Worker | None) -> JobHistory:
        """What was said of one pod is not true of another."""
        refusal = self.refusal
        if not (refusal and worker and worker.pod) or refusal.about == worker.pod.metadata.name:
            return self
        return msgspec.structs.replace(self, refusal=None)


class WriteStatus(msgspec.Struct, frozen=True):
    """Write this status onto this version of the ImageJob, and tell of the newest transition."""

    job: ImageJob
    status: ImageJobStatus
    entries: tuple[AuditEntry, ...]


class Inquire(msgspec.Struct, frozen=True):
    """Ask why the worker gets no pod, or its pod doesn't start."""

    job: ImageJob
    worker: Worker


class Find(msgspec.Struct, frozen=True):
    """Ask whether the worker Job of that name, which the status names, is there."""

    job: ImageJob
    worker: str


class Replace(msgspec.Struct, frozen=True):
    """Delete the worker, so that another can take its place."""

    worker: Worker


Action = WriteStatus | Inquire | Find | Replace


class Decision(msgspec.Struct, frozen=True):
    """Where it stands, what to remember, what to do, and when to look again if nothing happens."""

    state: JobState
    history: JobHistory
    action: Action | None = None
    look_again: datetime | None = None


def decide(inputs: Inputs, history: JobHistory, platform: Platform, now: datetime) -> Decision:
    """Decide about one unfinished ImageJob."""
    job, worker = inputs.job, inputs.worker
    history = history.noticing(worker)
    inputs = msgspec.structs.replace(
        inputs,
        refusal=history.refusal,
        is_missed=inputs.vanished == history.missing,
    )
    state = evaluate(inputs, platform, now)
    if inputs.vanished and not inputs.is_missed:
        return Decision(state, history, Find(job, inputs.vanished))
    requester = audit.requester(job, trusted=platform.trusts_requester)
    history = _remember(inputs, state, history, requester, now)
    timings = platform.timings
    at_work = None if state.is_finished else worker
    ask_at = history.ask_at(at_work, timings.patience) if at_work else None
    times = (at for at in (state.until, ask_at) if at and at > now)
    until = min(times, default=None)
    if worker and ask_at and now >= ask_at:
        return Decision(state, history, Inquire(job, worker), until)

    if state.is_transient:
        return Decision(state, history)
    due = now if state.is_finished else history.run.due((history.since or now) + timings.settle)
    later = Decision(state, history, look_again=min(due, until) if until else due)
    if history.entries and now < due:  # so the status differs, whatever else is in it
        return later
    notes = lowered(job, platform.bounds, state.item)
    status = describe(inputs, state, history.entries, now, notes)
    if status == job.status:
        action = Replace(worker) if worker and state.worker_is_spent else None
        return Decision(state, history, action, until)
    if now < due:
        return later
    return Decision(state, history, WriteStatus(job, status, history.entries), until)


def _remember(
    inputs: Inputs, state: JobState, history: JobHistory, requester: str, now: datetime
) -> JobHistory:
    """Add what has happened since to the entries, and drop what the status shows by now."""
    job, admitted_at = inputs.job, inputs.quota.admitted_at
    shown = audit.last_seq(job)
    entries = [entry for entry in history.entries if entry.seq > shown]
    last, since, run = history.last or _last_written(job), history.since or now, history.run
    if not shown and not entries:
        entries.append(audit.requested(job, requester, now))
        last = _transition(entries[-1])
    if admitted_at and not _tells_admission(job, entries):
        entries.append(audit.admitted(audit.next_seq(job, entries), admitted_at))
        last, since, run = _transition(entries[-1]), now, run.ended()
    current = (state.phase, state.reason.value)
    if current != last and not state.is_transient:
        entry = audit.entry(audit.next_seq(job, entries), state, now)
        entries, run = _appended(entries, run, entry, is_idle=is_idle(state))
        last, since = current, now
    return msgspec.structs.replace(history, last=last, since=since, entries=tuple(entries), run=run)


def _appended(
    entries: list[AuditEntry], run: Run, entry: AuditEntry, *, is_idle: bool
) -> tuple[list[AuditEntry], Run]:
    return merged(entries, run, entry) if is_idle else ([*entries, entry], run.ended())


def with_charge(history: JobHistory, job: ImageJob, admitted_at: datetime | None) -> JobHistory:
    """As much as is to be told of one that may be gone: it was charged, whatever came of it."""
    if not admitted_at or _tells_admission(job, history.entries):
        return history
    entry = audit.admitted(audit.next_seq(job, history.entries), admitted_at)
    entries = (*history.entries, entry)
    return msgspec.structs.replace(history, entries=entries, run=history.run.ended())


def _tells_admission(job: ImageJob, unwritten: Iterable[AuditEntry]) -> bool:
    return job.is_admitted or any(each.reason == Reason.ADMITTED for each in unwritten)


def _last_written(job: ImageJob) -> tuple[str, str] | None:
    """After a restart the status itself tells which transition was the last."""
    newest = audit.newest(job)
    return _transition(newest) if newest else None


def _transition(entry: AuditEntry) -> tuple[str, str]:
    return entry.event, entry.reason
