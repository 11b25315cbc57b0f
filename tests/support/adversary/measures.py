"""Figures derived from a history. Pure: no clock, no cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import audit_log
from support.windows import most_in_any

if TYPE_CHECKING:
    from datetime import datetime

    from support.adversary.history import History


def admissions(history: History, namespace: str) -> dict[str, set[datetime]]:
    """UID → the times of its charges, for the ImageJobs of a namespace."""
    told = audit_log.times_of(history.audit, "Admitted")
    return {uid: set(at) for uid, at in told.items() if history.namespaces.get(uid) == namespace}


def charged(history: History) -> set[str]:
    """The charged UIDs, reported or not: one that was deleted soon may have had a worker, too."""
    return {
        *admissions(history, history.namespace),
        *(uid for life in history.lives for uid in life.uids),
    }


def most_charged(history: History) -> int:
    """The most charges in any window of the tenant's limit."""
    times = [at for each in admissions(history, history.namespace).values() for at in each]
    return most_in_any(history.window, times)


def waits(history: History) -> dict[str, tuple[float, int]]:
    """UID of a neighbour's ImageJob → seconds from its admission to its first worker Job, and the
    number of worker Jobs that the tenant got in between.
    """
    first: dict[str, float] = {}
    for dispatch in sorted(history.dispatches):
        for uid in dispatch.uids:
            first.setdefault(uid, dispatch.at)
    found = {}
    for uid, times in admissions(history, history.neighbour).items():
        began = min(times).timestamp()
        ended = first.get(uid)
        if ended is not None:
            found[uid] = (ended - began, len(_between(history, began, ended)))
    return found


def _between(history: History, began: float, ended: float) -> list[float]:
    ours = (each.at for each in history.dispatches if each.namespace == history.namespace)
    return [at for at in ours if began < at < ended]


def connected(history: History) -> list[tuple[set[str], set[str]]]:
    """Folders, and the UIDs of the workers that fill them."""
    groups: list[tuple[set[str], set[str]]] = []
    for life in history.lives:
        folders, uids = set(life.folders), set(life.uids)
        # Each item of a batch has its own folder; then they are separate lives, too.
        apart = [group for group in groups if not (group[0] & folders or group[1] & uids)]
        for group in groups:
            if group not in apart:
                folders |= group[0]
                uids |= group[1]
        groups = [*apart, (folders, uids)]
    return groups
