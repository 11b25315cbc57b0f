"""Decode what there is of a damaged PNG or GIF: the rows before the damage."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, cast

import msgspec

from imagejob_worker.image.damage import Damage, rows_damaged, rows_last, worse
from imagejob_worker.image.pillow_decoder import Decoder, UnknownLayoutError
from imagejob_worker.image.steps.reader import DAMAGE, opened, still_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.ImageFile import ImageFile

    from imagejob_worker.contract.failures import ItemFailure
    from imagejob_worker.contract.order import SourceFormat
    from imagejob_worker.image.files import Files
    from imagejob_worker.image.parsers.probe import Part, Probe
    from imagejob_worker.image.raster import Frame

GIF_PASSES = ((0, 8), (4, 8), (2, 4), (1, 2))
"""First row and step of each pass of an interlaced GIF."""

CHUNK = 1 << 16


def salvage(
    files: Files, name: SourceFormat, probe: Probe, failure: ItemFailure
) -> tuple[Frame, Damage | None]:
    """Return the rows that can be had of an image, and what of it is damaged.

    Raises `failure`, with which decoding it ended, if there are none.
    """
    try:
        with files.source() as stored, opened(stored, name, probe) as file:
            damage = _load_rows(cast("ImageFile", file))
            frame = still_frame(file, probe)
    except (*DAMAGE, UnknownLayoutError) as error:
        raise failure from error
    if probe.wrong_at:
        damage = worse(damage, damage_by_checksum(files, probe))
    return frame, damage


def damage_by_checksum(files: Files, probe: Probe) -> Damage | None:
    """What lies behind the first chunk of a PNG's pixels whose checksum is wrong.

    None if it is the checksum itself that is damaged: the pixels have one of their own, within the
    compressed data, which the decoder doesn't look at.
    """
    if _is_whole(files, probe):
        return None
    sound = msgspec.structs.replace(probe, parts=_before(probe.parts or (), probe.wrong_at))
    try:
        with files.source() as stored, opened(stored, "png", sound) as file:
            return _load_rows(cast("ImageFile", file))
    except (*DAMAGE, UnknownLayoutError):
        return rows_last(1)


def _load_rows(file: ImageFile) -> Damage | None:
    """Decode as many rows as there are into the file; None if these are all.

    Raises EOFError if there is none, and what the decoder raises.
    """
    assert file.fp is not None  # noqa: S101 (for mypy)
    file.load_prepare()
    tile = file.tile[0]
    file.fp.seek(tile.offset)
    decoder = Decoder(file)
    read: Callable[[int], bytes] = getattr(file, "load_read", file.fp.read)
    while not (decoder.finished or decoder.broken) and (data := _next(read)):
        decoder.feed(data)
    decoder.close()
    if not decoder.rows:
        raise EOFError
    complete = decoder.rows >= decoder.height
    damage = None if complete else _missing(file, decoder.rows, decoder.height)
    file.tile = []
    return damage


def _next(read: Callable[[int], bytes]) -> bytes:
    try:
        return read(CHUNK)
    except DAMAGE:  # no chunk of a PNG follows
        return b""


def _missing(file: ImageFile, row: int, height: int) -> Damage:
    """What is missing if `row` is the next to be drawn.

    Each pass of an interlaced GIF draws rows of its own; of a PNG's only the last, the odd ones.
    """
    arguments = file.tile[0].args
    if file.format == "GIF" and isinstance(arguments, tuple) and arguments[1]:
        now = next(index for index, (first, step) in enumerate(GIF_PASSES) if row % step == first)
        later = sum(len(range(first, height, step)) for first, step in GIF_PASSES[now + 1 :])
        return rows_damaged((len(range(row, height, GIF_PASSES[now][1])) + later) / height)
    if file.info.get("interlace") and row % 2:
        return rows_damaged(len(range(row, height, 2)) / height)
    if file.info.get("interlace"):
        return Damage("at least half of the rows are missing or damaged")
    return rows_last(1 - row / height)


def _before(parts: tuple[Part, ...], end: int) -> tuple[Part, ...]:
    """The parts of the file up to `end`."""
    return tuple(
        (part[0], min(part[1], end - part[0]))
        for part in parts
        if not isinstance(part, bytes) and part[0] < end
    )


def _is_whole(files: Files, probe: Probe) -> bool:
    """Whether zlib's own checksum is that of the pixels. No more is inflated than pixels can be."""
    inflater, left = zlib.decompressobj(), 9 * (probe.width + 8) * (probe.height + 8)
    with files.source() as stored:
        for offset, length in probe.pixels:
            stored.seek(offset)
            rest = stored.read(length)
            while rest and left > 0 and not inflater.eof:
                try:
                    left -= len(inflater.decompress(rest, CHUNK))
                except zlib.error:
                    return False
                rest = inflater.unconsumed_tail
    return inflater.eof
