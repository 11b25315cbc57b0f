"""One namespace at one moment: what its quota admits, and which ImageJobs could have a worker."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.imagejob.gather import is_outdated
from imagejob_operator.quota.admission import admit
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, usage
from imagejob_operator.quota.wait_queue import in_order

from .namespace_state import NamespaceState, shows

AT_ONCE = 256
"""The maximum of ImageJobs that one plan charges or dispatches."""


class AdmissionSnapshot(msgspec.Struct, frozen=True):
    """One namespace at one moment: what its quota admits, and which ImageJobs could have a worker.

    In `ledger` the `admitted` are charged; `stepped` means that the clock was set back, so that the
    ledger must be written even without other changes. `candidates` are the UIDs for workers, in
    order, `excess` those that may not even wait, and why.
    """

    state: NamespaceState
    policy: Policy
    ledger: Ledger
    admitted: tuple[str, ...]
    candidates: Sequence[str]
    excess: dict[str, str]
    stepped: bool


def take_snapshot(
    state: NamespaceState, policy: Policy, cache: ClusterCache, now: datetime
) -> AdmissionSnapshot:
    """Evaluate what the quota admits now. Raises ValueError if the ledger has not been read."""
    known = state.ledger
    if known is None:
        raise ValueError(f"the ledger of {state.namespace} has not been read")
    ledger = known.at(now, policy.rates).without(
        uids=[uid for uid in known.charged if _is_settled(state, uid, cache)],
        names=state.retired,
    )
    # A queue still has ImageJobs that were dispatched while their status was being written.
    promised = {uid for record in state.promised().values() for uid in record.uids}
    uncharged = [uid for uid in state.throttled.head(AT_ONCE) if uid not in state.charges]
    # An ImageJob that may be deleted is charged only once its existence is verified.
    verified = [uid for uid in uncharged if uid not in cache.unverified]
    new = [uid for uid in verified if _wants_a_charge(cache, uid)]
    unknown = sum(cache.jobs.get(uid) is None for uid in ledger.charged)
    admission = admit(ledger, policy.rates, new, unknown=unknown)
    waiting = [*state.queued.head(AT_ONCE), *admission.uids]
    return AdmissionSnapshot(
        state,
        policy,
        admission.ledger,
        admission.uids,
        _in_order((uid for uid in waiting if uid not in promised), cache),
        _excess(state, policy, admission.ledger, {*known.charged, *admission.uids}, cache),
        stepped=ledger.as_of < known.as_of,
    )


def _excess(
    state: NamespaceState,
    policy: Policy,
    ledger: Ledger,
    charged: Collection[str],
    cache: ClusterCache,
) -> dict[str, str]:
    """Return which newly waiting ImageJobs may not wait, and why.

    Those whose status shows that they wait already continue to wait, even if the quota has changed.
    """
    if policy.lets_all_wait:
        return {}
    tightest = usage(ledger.history, policy.rates, ledger.now)[0]
    most, rate = policy.max_waiting or 0, tightest.rate
    why = f"no more than {most} may wait for the namespace's quota"
    if policy.on_exceeded == "Fail":
        most, why = 0, f"the namespace's quota of {rate.jobs} per {rate.per} is used up"
    # Remaining admissions are for those beyond this plan's maximum: they don't wait for the quota.
    served = sum(uid in state.throttled for uid in charged) + tightest.remaining
    behind = state.throttled.after(served + most)
    jobs = [cache.jobs.get(uid) for uid in behind if uid not in state.excess]
    return {job.metadata.uid: why for job in jobs if job and job.status.phase != "Throttled"}


def _in_order(uids: Iterable[str], cache: ClusterCache) -> list[str]:
    return [job.metadata.uid for job in in_order(map(cache.jobs.get, uids))]


def _wants_a_charge(cache: ClusterCache, uid: str) -> bool:
    job = cache.jobs.get(uid)
    return job is not None and not (shows(job) or job.is_deleting or is_outdated(cache, job))


def _is_settled(state: NamespaceState, uid: str, cache: ClusterCache) -> bool:
    """Whether the ledger may drop the charge. An ImageJob that is unknown may still exist."""
    if uid in state.gone:
        return True
    return shows(cache.jobs.get(uid)) and not cache.is_unknown(state.namespace, uid)
