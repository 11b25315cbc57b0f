"""The operator's memory of each unfinished ImageJob; lost with the process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from imagejob_operator.api.imagejob import AuditEntry
from imagejob_operator.imagejob.audit import QuotaDecision
from imagejob_operator.imagejob.decide import JobHistory
from imagejob_operator.imagejob.inputs import Refusal


class JobHistories:
    """Histories by UID. The values are frozen, and only this store replaces them."""

    def __init__(self) -> None:
        self._histories: dict[str, JobHistory] = {}

    def of(self, uid: str) -> JobHistory:
        """Return the history, or an empty one."""
        return self._histories.get(uid) or JobHistory()

    def refusals(self, uids: Iterable[str]) -> dict[str, Refusal]:
        """Return why the cluster refused the workers of those ImageJobs, where it did.

        That a worker's pod doesn't start is no reason for the next worker to be another.
        """
        known = ((uid, self.of(uid).refusal) for uid in uids)
        return {uid: refusal for uid, refusal in known if refusal and not refusal.about}

    def keep(self, uid: str, history: JobHistory) -> None:
        """Store the history of the latest decision."""
        self._histories[uid] = history

    def forget(self, uid: str) -> None:
        """Forget an ImageJob that has finished or was deleted."""
        self._histories.pop(uid, None)

    def refused(self, uid: str, message: str, until: datetime, about: str = "") -> None:
        """Record that no worker could be started, or that the pod `about` doesn't start."""
        self.keep(uid, self.of(uid).refused(message, until, about))

    def missed(self, uid: str, unconfirmed: str) -> None:
        """Record that what was unconfirmed doesn't exist."""
        self.keep(uid, msgspec.structs.replace(self.of(uid), missing=unconfirmed))

    def admitted(self, uid: str, quota: QuotaDecision) -> None:
        """Record the state of the quota at admission, for the audit log."""
        self.keep(uid, msgspec.structs.replace(self.of(uid), quota=quota))

    def emitted(self, uid: str, new: Iterable[AuditEntry], now: datetime) -> None:
        """Record that those entries went to the audit log for the first time."""
        history, seqs = self.of(uid), [entry.seq for entry in new]
        self.keep(
            uid,
            msgspec.structs.replace(
                history,
                emitted=max([history.emitted, *seqs]),
                run=history.run.after_telling(len(seqs), now),
            ),
        )
