"""The waiting ImageJobs of a namespace, in the order in which they continue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from sortedcontainers import SortedKeyList

from imagejob_operator.api.imagejob import ImageJob

SortKey = tuple[int, float, str, str]
"""Priority, negated; creation in seconds since the epoch; name; UID."""


class WaitQueue:
    """UIDs of the waiting ImageJobs of one namespace: highest priority first, then oldest.

    Creation times have whole seconds, so the name decides among those applied together, and the UID
    makes each key unique. Insertion, removal and position take O(log n).
    """

    def __init__(self) -> None:
        self._places: dict[str, SortKey] = {}
        self._uids: SortedKeyList[str, SortKey] = SortedKeyList(key=self._places.__getitem__)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, uid: object) -> bool:
        return uid in self._places

    def __iter__(self) -> Iterator[str]:
        """Iterate UIDs from the first in the queue."""
        return iter(self._uids)

    def put(self, job: ImageJob) -> bool:
        """Insert or move to the position of its current priority.

        Return whether the queue changed.
        """
        uid, wanted = job.metadata.uid, sort_key(job)
        if self._places.get(uid) == wanted:
            return False
        self.remove(uid)
        self._places[uid] = wanted
        self._uids.add(uid)
        return True

    def remove(self, uid: str) -> bool:
        """Remove; return whether it was waiting."""
        if uid not in self._places:
            return False
        self._uids.remove(uid)  # looks up its sort key, which is therefore deleted last
        del self._places[uid]
        return True

    def position(self, uid: str) -> int:
        """Return the position, 1 for the first. Raises KeyError if it isn't waiting."""
        before = self._uids.bisect_key_left(self._places[uid])
        return before + 1

    def after(self, position: int) -> list[str]:
        """Return the UIDs behind that position, 0 for all."""
        return list(self._uids.islice(position))

    def head(self, count: int) -> list[str]:
        """Return the UIDs of the first `count`, or all if there are fewer."""
        return list(islice(self._uids, count))


def in_order(jobs: Iterable[ImageJob | None]) -> list[ImageJob]:
    """Return the ImageJobs in the order in which they continue."""
    return sorted((job for job in jobs if job), key=sort_key)


def in_turns(jobs: Iterable[ImageJob | None]) -> list[ImageJob]:
    """Return the ImageJobs, namespaces in turn: the first of each, then the second of each, …"""
    ahead: Counter[str] = Counter()

    def turn(job: ImageJob) -> int:
        ahead[job.metadata.namespace] += 1
        return ahead[job.metadata.namespace]

    return sorted(in_order(jobs), key=turn)


def sort_key(job: ImageJob) -> SortKey:
    """Return the sort key: the smaller continues first."""
    created = job.metadata.creation_timestamp
    age = created.timestamp() if created else 0.0
    return -job.spec.priority, age, job.metadata.name, job.metadata.uid
