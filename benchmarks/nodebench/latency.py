"""How long each of many took: quantiles, and one row of a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD = ["", "n", "least", "p25", "p50", "p75", "p95", "most", "p50 ratio", "p95 ratio"]


GOLDEN = (math.sqrt(5) - 1) / 2


def moment(number: int) -> float:
    """A point of a second, in seconds: so many of them are spread evenly over it.

    A kubelet looks at its containers once a second. Who always came at the same point of its second
    would always wait equally long for it, and some other time for another time equally long.
    """
    return number * GOLDEN % 1.0


@dataclass(frozen=True)
class Latency:
    """Seconds from before the request that created it until the watch told that it was done."""

    what: str
    seconds: Sequence[float]

    def quantile(self, share: float) -> float:
        """The least that this share of all took no longer than (nearest rank)."""
        ordered = sorted(self.seconds)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    @property
    def p50(self) -> float:
        return self.quantile(0.5)

    @property
    def p95(self) -> float:
        return self.quantile(0.95)

    def cells(self) -> list[str]:
        """In the order of HEAD, in milliseconds, without ratios."""
        shares = [self.quantile(share) * 1e3 for share in (0, 0.25, 0.5, 0.75, 0.95, 1)]
        return [self.what, str(len(self.seconds)), *(f"{value:.0f} ms" for value in shares)]

    def as_json(self) -> dict[str, object]:
        return {"p50": self.p50, "p95": self.p95, "seconds": list(self.seconds)}


def table(ours: Latency, others: Sequence[Latency]) -> list[list[str]]:
    """Ours first; each other with how long ours takes against it."""
    return [
        HEAD,
        [*ours.cells(), "", ""],
        *(
            [*each.cells(), f"{ours.p50 / each.p50:.2f} x", f"{ours.p95 / each.p95:.2f} x"]
            for each in others
        ),
    ]
