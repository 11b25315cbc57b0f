"""Kubernetes quantities of bytes."""

from __future__ import annotations

import pytest
from imagejob_operator.api.quantity import describe_bytes, to_bytes


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (300, 300),
        ("300", 300),
        ("300Ki", 300 * 1024),
        ("1.5Mi", 1536 * 1024),
        ("2k", 2000),
        ("1G", 10**9),
        ("1e3", 1000),
        ("1500m", 2),
    ],
)
def test_bytes(quantity: int | str, expected: int) -> None:
    assert to_bytes(quantity) == expected


@pytest.mark.parametrize("quantity", ["", "much", "1KB", "1 Ki", "Ki"])
def test_an_invalid_quantity_is_rejected(quantity: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        to_bytes(quantity)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (12_595, "12.3 KiB"),
        (219_000, "214 KiB"),
        (3 << 30, "3.0 GiB"),
    ],
)
def test_for_people(count: int, expected: str) -> None:
    assert describe_bytes(count) == expected
