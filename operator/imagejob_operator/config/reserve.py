"""Worker slots that are reserved for namespaces with few workers.

No running worker is preempted: a namespace that held every slot for an hour would make all others
wait for an hour. So some slots are never given to namespaces that have a worker already, and a
namespace without any starts at once, as long as fewer than `kept` others use reserved slots.
"""

from __future__ import annotations

import msgspec


class Reserve(msgspec.Struct, frozen=True):
    """Of `places` slots, `kept` are only for namespaces that hold at most one.

    Namespaces with two or more workers hold at most `places - kept` together. So a slot is free for
    one that holds none, unless `kept` namespaces or more hold one each.
    """

    places: int
    kept: int = 0

    def allows(self, own: int, many: int) -> bool:
        """Whether the reserve lets a namespace that holds `own` workers have one more.

        `many` is the number of workers of all namespaces that hold two or more.
        """
        if own == 0:
            return True
        return many + (2 if own == 1 else 1) <= self.places - self.kept
