"""Kubernetes quantities of bytes."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

from .meta import Quantity

_SCALES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)},
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T"), 1)},
}
LARGEST = 2**63 - 1
"""The largest number of bytes: a larger quantity counts as this."""

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:[eE][0-9]{1,2})?)([a-zA-Z]*)")


def to_bytes(quantity: Quantity) -> int:
    """Convert a quantity: `"300Ki"` → 307200. Fractions of a byte are rounded up, as in Kubernetes.

    Raises ValueError for text that is not a quantity.
    """
    if isinstance(quantity, int):
        return min(quantity, LARGEST)
    match = _QUANTITY.fullmatch(quantity)
    if not match or match[2] not in _SCALES:
        raise ValueError(f"{quantity!r} is not a quantity, such as 300Ki")
    exact = min(Decimal(match[1]) * _SCALES[match[2]], Decimal(LARGEST))
    return int(exact.to_integral_value(ROUND_CEILING))


def describe_bytes(count: int) -> str:
    """Format a size for people: `12.3 KiB`."""
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
