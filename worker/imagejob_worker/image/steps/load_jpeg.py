"""Decode a JPEG, and find out how much of it is damaged.

libjpeg's warnings say that something is wrong, and rarely where: in data without restart markers a
wrong bit makes all that follows wrong, but the decoder may notice only at the end.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.image.damage import Damage, percent, rows_damaged, rows_last
from imagejob_worker.image.jpeg_codes import sound_share
from imagejob_worker.image.parsers.probe import corrupt
from imagejob_worker.image.pillow_decoder import JpegDecoder, UnknownLayoutError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from imagejob_worker.image.parsers.probe import Probe

CHUNK = 1 << 17
STEPS = 1024
"""How many pieces a damaged file is fed in to see where warnings come."""

END_BYTES = 2


class Warned(msgspec.Struct, frozen=True):
    """Warnings that one piece of the file brought: the state just before it."""

    scan: int
    mcu_row: int
    at_end: bool


def load_jpeg(file: ImageFile, probe: Probe) -> Damage | None:
    """Decode the file's pixels into it.

    With a Pillow whose decoder isn't known, nothing is decoded yet, and no warning is seen; without
    an end marker, rows may be missing then. Raises CorruptImage if there is nothing to show, and
    MemoryError.
    """
    try:
        return _load(file, probe)
    except UnknownLayoutError as error:
        if not probe.ended:
            raise corrupt("the JPEG file has no end marker") from error
        return None


def _load(file: ImageFile, probe: Probe) -> Damage | None:
    assert file.fp is not None  # noqa: S101 (for mypy)
    file.load_prepare()
    decoder = JpegDecoder(file)
    file.fp.seek(0)
    while not (decoder.finished or decoder.broken) and (data := file.fp.read(CHUNK)):
        decoder.feed(data)
    decoder.close()
    if decoder.out_of_memory:
        raise MemoryError
    damage = None
    if decoder.broken or not decoder.finished:
        if not decoder.rows:
            where = f"in scan {decoder.scan}" if decoder.scan > 1 else "from its first row on"
            raise corrupt(f"the jpeg can't be decoded: its data is damaged {where}")
        damage = rows_last(1 - decoder.rows / file.height)
    elif decoder.warnings:
        damage = _located(file, probe)
    elif probe.scans_missing:
        damage = _LACKS_SCANS
    file.tile = []
    return damage


_LACKS_SCANS = Damage("the last scans are missing: all rows lack detail", 1.0)


def _located(file: ImageFile, probe: Probe) -> Damage | None:
    """Decode once more, in steps, and judge when warnings come; None: they mean nothing."""
    assert file.fp is not None  # noqa: S101 (for mypy)
    file.fp.seek(0)
    data = file.fp.read()
    decoder = JpegDecoder(file)
    warned = _warned(decoder, data, _first_scan(data, probe))
    decoder.close()
    if not warned:
        return None
    if _is_padding(data, decoder.skipped):
        return None
    return _judged(warned, decoder, probe, data)


def _judged(warned: list[Warned], decoder: JpegDecoder, probe: Probe, data: bytes) -> Damage:
    height = decoder.height
    left = height - warned[0].mcu_row * decoder.mcu_height
    if not probe.ended and (probe.scans_missing or left > 0):
        return _LACKS_SCANS if probe.scans_missing else rows_last(left / height)
    if decoder.scan > 1:
        scan = f"scan {warned[0].scan} of {decoder.scan}"
        return Damage(f"{scan} is damaged; how many rows it affects is unknown")
    if decoder.restarts_after:
        return _in_intervals(warned, decoder)
    sound = sound_share(data)
    # Of the first row of blocks, some may be there.
    lost = max((left - decoder.mcu_height) / height, 0 if sound is None else 1 - sound)
    if lost > 0:
        return Damage(f"at least the last {percent(lost)} of the rows are damaged")
    return Damage("rows are damaged; how many is unknown")


def _first_scan(data: bytes, probe: Probe) -> int:
    """Return where the codes of the first scan begin, in what the decoder sees of the file."""
    *header, _ = (part for part in probe.parts or () if not isinstance(part, bytes))
    at = 2 + sum(length for _, length in header)
    return at + int.from_bytes(data[at : at + 2])


def _warned(decoder: JpegDecoder, data: bytes, start: int) -> list[Warned]:
    """When warnings came; those on the header, where a picture may say odd things, don't count."""
    step = max(16, len(data) // STEPS)
    body = max(start, len(data) - END_BYTES)
    decoder.feed(data[:start])
    scan, row, before = decoder.scan, decoder.mcu_row, decoder.warnings
    found: list[Warned] = []
    for begin, end in pairwise([*range(start, body, step), body, len(data)]):
        decoder.feed(data[begin:end])
        if decoder.warnings > before:
            found.append(Warned(scan, row, begin == body))
        scan, row, before = decoder.scan, decoder.mcu_row, decoder.warnings
        if decoder.finished or decoder.broken:
            break
    return found


def _in_intervals(warned: list[Warned], decoder: JpegDecoder) -> Damage:
    """Damage that ends where the decoder restarts, unless the data itself ends."""
    rows: set[int] = set()
    for each in warned:
        first = each.mcu_row * decoder.mcu_height
        end = first + decoder.restarts_after * decoder.mcu_height
        rows |= set(range(first, decoder.height if each.at_end else min(end, decoder.height)))
    return rows_damaged(len(rows) / decoder.height)


def _is_padding(data: bytes, count: int) -> bool:
    """Whether so many bytes before the end marker are all the same, as cameras fill up with."""
    return count > 0 and len(set(data[-END_BYTES - count : -END_BYTES])) == 1
