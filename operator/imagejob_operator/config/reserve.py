"""Places for workers that are kept for namespaces with few of them.

Nothing takes a place from who has it: whoever holds them all, for an hour, has everybody wait for
an hour. So some are never given to namespaces that have one already, and who comes new, or has
nothing at work, begins at once, as long as fewer than `kept` others live on them.
"""

from __future__ import annotations

import msgspec


class Reserve(msgspec.Struct, frozen=True):
    """Of `places`, `kept` are only for namespaces that hold no more than one.

    All that namespaces with two or more hold, all of theirs together, is at most `places - kept`.
    So a place is free for one that holds none, unless `kept` namespaces or more hold one each.
    """

    places: int
    kept: int = 0

    def allows(self, own: int, many: int) -> bool:
        """Whether a namespace that holds `own` may have one more, as far as this goes.

        `many` is what those that hold two or more hold in all.
        """
        if own == 0:
            return True
        return many + (2 if own == 1 else 1) <= self.places - self.kept
