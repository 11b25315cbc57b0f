"""Decide the next action for one ImageJob: a pure function of its inputs, history and the time."""

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
from .worker_checks import gives_no_reason, patience_ends


class JobHistory(msgspec.Struct, frozen=True):
    """What the operator remembers of an unfinished ImageJob between reconciles; lost on restart.

    `last` is the newest transition (phase, reason), `since` when it was observed, `entries` the
    audit entries that the status doesn't show yet, `emitted` the highest sequence number in the
    audit log, `refusal` why its worker does not start, `missing` what was
    `unconfirmed` and the API server doesn't have, `quota` the quota's decision, `run` the part of
    `entries` that may be merged.
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
        """Record that no worker could be started, or that the pod `about` doesn't start."""
        return msgspec.structs.replace(self, refusal=Refusal(message, until, about))

    def ask_at(self, worker: Worker, patience: timedelta) -> datetime | None:
        """When to ask why the worker gets no pod, or its pod doesn't start; None if all is well."""
        at = patience_ends(worker, patience)
        if not at or worker.is_suspended or (worker.pod and not gives_no_reason(worker.pod)):
            return None
        return max(at, self.refusal.until) if self.refusal else at

    def noticing(self, worker: Worker | None) -> JobHistory:
        """Drop a refusal unless it is about the worker's pod, or about none while there is none."""
        pod = worker.pod.metadata.name if worker and worker.pod else ""
        if not self.refusal or self.refusal.about == pod:
            return self
        return msgspec.structs.replace(self, refusal=None)


class WriteStatus(msgspec.Struct, frozen=True):
    """Write this status to this version of the ImageJob, and emit the new audit entries."""

    job: ImageJob
    status: ImageJobStatus
    entries: tuple[AuditEntry, ...]


class Inquire(msgspec.Struct, frozen=True):
    """Ask the API server why the worker gets no pod, or why its pod doesn't start."""

    job: ImageJob
    worker: Worker


class Find(msgspec.Struct, frozen=True):
    """Ask the API server whether the worker Job that the status names exists."""

    job: ImageJob
    worker: str


class FindPod(msgspec.Struct, frozen=True):
    """Ask the API server for the pod of a worker Job that has ended."""

    job: ImageJob
    worker: Worker
    unconfirmed: str


Action = WriteStatus | Inquire | Find | FindPod


class Decision(msgspec.Struct, frozen=True):
    """The state, the history to keep, the action, and when to reconcile again without an event."""

    state: JobState
    history: JobHistory
    action: Action | None = None
    look_again: datetime | None = None


def decide(inputs: Inputs, history: JobHistory, platform: Platform, now: datetime) -> Decision:
    """Decide the next action for one unfinished ImageJob."""
    job, worker = inputs.job, inputs.worker
    history = history.noticing(worker)
    inputs = msgspec.structs.replace(
        inputs,
        refusal=history.refusal,
        is_missed=inputs.unconfirmed == history.missing,
    )
    state = evaluate(inputs, platform, now)
    if inputs.vanished and not inputs.is_missed:
        return Decision(state, history, Find(job, inputs.vanished), state.until)
    if worker and inputs.unconfirmed and not inputs.is_missed:
        return Decision(state, history, FindPod(job, worker, inputs.unconfirmed), state.until)
    history = _remember(inputs, state, history, platform, now)
    timings = platform.timings
    at_work = None if state.is_finished else worker
    ask_at = history.ask_at(at_work, timings.patience) if at_work else None
    times = (at for at in (state.until, ask_at) if at and at > now)
    until = min(times, default=None)
    if worker and ask_at and now >= ask_at:
        return Decision(state, history, Inquire(job, worker), until)

    if state.is_transient:
        return Decision(state, history, look_again=until)
    since = history.since or now  # later than now if the clock was set back
    is_due = state.is_finished or since > now
    due = now if is_due else history.run.due(since + timings.settle)
    later = Decision(state, history, look_again=min(due, until) if until else due)
    if history.entries and now < due:  # entries alone make the status differ
        return later
    notes = lowered(job, platform.bounds, state.item)
    client = audit.on_behalf_of(job, trusted=platform.trusts_on_behalf_of)
    status = describe(inputs, state, history.entries, now, notes, client)
    if status == job.status:
        return Decision(state, history, look_again=until)
    if now < due:
        return later
    return Decision(state, history, WriteStatus(job, status, history.entries), until)


def _remember(
    inputs: Inputs, state: JobState, history: JobHistory, platform: Platform, now: datetime
) -> JobHistory:
    """Add new transitions to the entries, and drop those that the status shows."""
    job, admitted_at = inputs.job, inputs.quota.admitted_at
    shown = audit.last_seq(job)
    entries = [entry for entry in history.entries if entry.seq > shown]
    last, since, run = history.last or _last_written(job), history.since or now, history.run
    if not shown and not entries:
        requester = audit.requester(job, trusted=platform.trusts_requester)
        client = audit.on_behalf_of(job, trusted=platform.trusts_on_behalf_of)
        entries.append(audit.requested(job, requester, now, client))
        last = _transition(entries[-1])
    if admitted_at and not _has_admission(job, entries):
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
    """Add the entry `Admitted` for an ImageJob that may be deleted: its charge must be audited."""
    if not admitted_at or _has_admission(job, history.entries):
        return history
    entry = audit.admitted(audit.next_seq(job, history.entries), admitted_at)
    entries = (*history.entries, entry)
    return msgspec.structs.replace(history, entries=entries, run=history.run.ended())


def _has_admission(job: ImageJob, unwritten: Iterable[AuditEntry]) -> bool:
    return job.is_admitted or any(each.reason == Reason.ADMITTED for each in unwritten)


def _last_written(job: ImageJob) -> tuple[str, str] | None:
    """The last transition in the status: after a restart there is no other record."""
    newest = audit.newest(job)
    return _transition(newest) if newest else None


def _transition(entry: AuditEntry) -> tuple[str, str]:
    return entry.event, entry.reason
