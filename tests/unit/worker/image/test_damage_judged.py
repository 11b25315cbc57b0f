"""Damaged JPEGs, judged by libvips, where any warning is an error, and by their pixels."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
import pyvips
from imagejob_worker.contract.failures import ItemFailure
from support.pictures import Bench, encoded, opened, photo

KINDS = {
    "baseline": {"quality": 85},
    "4:4:4, own tables": {"quality": 60, "subsampling": 0, "optimize": True},
    "progressive": {"quality": 85, "progressive": True},
    "restarts": {"quality": 85, "restart_marker_rows": 1},
    "restarts within rows": {"quality": 85, "restart_marker_blocks": 7},
}


def damaged(data: bytes, source: random.Random) -> bytes:
    """Bytes changed, zeroed or lost in the scans, the end mark untouched."""
    at = source.randrange(data.index(b"\xff\xda") + 14, len(data) - 70)
    match source.randrange(4):
        case 0:
            return data[:at] + bytes(64) + data[at + 64 :]
        case 1:
            return data[:at] + data[at + 50 : -2] + data[-2:]
        case 2:
            return data[:at] + data[-2:]
    return data[:at] + bytes((source.randrange(256),)) + data[at + 1 :]


def accepted_by_libvips(data: bytes) -> bool:
    with suppress(pyvips.Error):
        pyvips.Image.new_from_buffer(data, "", fail_on="warning").copy_memory()
        return True
    return False


def accepted(bench: Bench, data: bytes) -> bool:
    with suppress(ItemFailure):
        return not bench.process(data, {}).notes
    return False


def shown(bench: Bench, data: bytes) -> bytes:
    """The pixels, whatever the damage; none if nothing can be shown."""
    with suppress(ItemFailure):
        (made,) = bench.process(data, {"format": "png"}, limits={"damage": "Note"}).outputs
        return opened(made).tobytes()
    return b""


@pytest.mark.parametrize("kind", KINDS)
def test_what_libvips_refuses_is_refused_and_nothing_that_is_right(bench: Bench, kind: str) -> None:
    """It is a little stricter: libvips looks for no warning after the last row."""
    data, source = encoded(photo((240, 160), seed=9), "JPEG", **KINDS[kind]), random.Random(3)
    whole = shown(bench, data)

    cases = [damaged(data, source) for _ in range(40)]
    refused = [case for case in cases if not accepted(bench, case)]

    assert [case for case in cases if not accepted_by_libvips(case) and case not in refused] == []
    assert [case for case in refused if shown(bench, case) == whole] == []
    assert 0 < len(refused) < len(cases)
