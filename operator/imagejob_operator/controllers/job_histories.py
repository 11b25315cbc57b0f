"""What the operator remembers of each unfinished ImageJob; lost with the process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from imagejob_operator.api.imagejob import AuditEntry
from imagejob_operator.imagejob.audit import QuotaDecision
from imagejob_operator.imagejob.decide import JobHistory
from imagejob_operator.imagejob.inputs import Refusal


class JobHistories:
    """One history for each UID. The values are frozen, and only this store replaces them."""

    def __init__(self) -> None:
        self._histories: dict[str, JobHistory] = {}

    def of(self, uid: str) -> JobHistory:
        """Its history; an empty one for an ImageJob that has none yet."""
        return self._histories.get(uid) or JobHistory()

    def refusals(self, uids: Iterable[str]) -> dict[str, Refusal]:
        """Why the cluster did not take the workers of those ImageJobs, of those that it refused."""
        known = ((uid, self.of(uid).refusal) for uid in uids)
        return {uid: refusal for uid, refusal in known if refusal}

    def keep(self, uid: str, history: JobHistory) -> None:
        """What follows from the newest decision."""
        self._histories[uid] = history

    def forget(self, uid: str) -> None:
        """The ImageJob has finished, or is gone."""
        self._histories.pop(uid, None)

    def refused(self, uid: str, message: str, until: datetime, about: str = "") -> None:
        """No worker could be started for it, or the pod `about` doesn't start."""
        self.keep(uid, self.of(uid).refused(message, until, about))

    def missed(self, uid: str, worker: str) -> None:
        """The API server has no worker Job of the name that its status has."""
        self.keep(uid, msgspec.structs.replace(self.of(uid), missing=worker))

    def admitted(self, uid: str, quota: QuotaDecision) -> None:
        """What the quota said when it was charged, for the audit log."""
        self.keep(uid, msgspec.structs.replace(self.of(uid), quota=quota))

    def emitted(self, uid: str, new: Iterable[AuditEntry], now: datetime) -> None:
        """Those entries have gone to the audit log, for the first time."""
        history, seqs = self.of(uid), [entry.seq for entry in new]
        self.keep(
            uid,
            msgspec.structs.replace(
                history,
                emitted=max([history.emitted, *seqs]),
                run=history.run.after_telling(len(seqs), now),
            ),
        )
