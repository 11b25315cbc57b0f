"""Kubernetes quantities of bytes."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from .model import Quantity

_SUFFIXES = {
    **{suffix: 1024**power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{suffix: 1000**power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
}


def to_bytes(quantity: Quantity) -> int:
    """`"300Ki"` → 307200. A fraction of a byte counts as a whole one, as in Kubernetes.

    Raises ValueError for text that is no quantity.
    """
    if isinstance(quantity, int):
        return quantity
    digits = quantity.rstrip("KMGTPEkimn")
    suffix = quantity[len(digits) :]
    scale = Decimal(_SUFFIXES.get(suffix, 1))
    if suffix == "m":
        scale = Decimal("0.001")
    elif suffix and suffix not in _SUFFIXES:
        raise ValueError(f"{quantity!r} is no quantity")
    try:
        return int((Decimal(digits) * scale).to_integral_value(ROUND_CEILING))
    except ArithmeticError as error:
        raise ValueError(f"{quantity!r} is no quantity") from error


def describe_bytes(count: int) -> str:
    """For people: `12.3 KiB`."""
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
