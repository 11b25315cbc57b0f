"""Who waits for the same thing, in the order in which they will get it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sortedcontainers import SortedKeyList

from imagejob_operator.api.imagejob import ImageJob

SortKey = tuple[int, float, str, str]
"""What a line is sorted by: priority, negated; creation in seconds since the epoch; name; UID."""


class WaitQueue:
    """The UIDs of the ImageJobs of one namespace that wait: highest priority first, then oldest.

    Creation times have whole seconds, so the name decides among those applied together, and the
    UID makes each place unique. Putting in, taking out and finding a position take O(log n).
    """

    def __init__(self) -> None:
        self._places: dict[str, SortKey] = {}
        self._uids: SortedKeyList[str, SortKey] = SortedKeyList(key=self._places.__getitem__)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, uid: object) -> bool:
        return uid in self._places

    def __iter__(self) -> Iterator[str]:
        """UIDs, first in line first."""
        return iter(self._uids)

    def put(self, job: ImageJob) -> bool:
        """It waits, at the place that its priority gives it now. Says whether the line changed."""
        uid, wanted = job.metadata.uid, sort_key(job)
        if self._places.get(uid) == wanted:
            return False
        self.remove(uid)
        self._places[uid] = wanted
        self._uids.add(uid)
        return True

    def remove(self, uid: str) -> bool:
        """It waits no more. Says whether it did."""
        if uid not in self._places:
            return False
        self._uids.remove(uid)  # finds it by its place, so that goes last
        del self._places[uid]
        return True

    def position(self, uid: str) -> int:
        """1 for the first in line. Raises KeyError for one that doesn't wait."""
        before = self._uids.bisect_key_left(self._places[uid])
        return before + 1

    def after(self, position: int) -> list[str]:
        """The UIDs of those behind that position, 0 for all."""
        return list(self._uids.islice(position))

    def head(self, count: int) -> list[str]:
        """The UIDs of the first `count` in line, or of all if there are fewer."""
        return list(islice(self._uids, count))


def sort_key(job: ImageJob) -> SortKey:
    """Where it is put in line: the smaller goes first."""
    created = job.metadata.creation_timestamp
    age = created.timestamp() if created else 0.0
    return -job.spec.priority, age, job.metadata.name, job.metadata.uid
