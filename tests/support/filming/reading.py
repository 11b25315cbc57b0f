"""What the worker writes, read back: PNG of at most 8 bits a sample, not interlaced."""

from __future__ import annotations

import struct
import zlib

from support.specimens import png
from support.specimens.png_samples import SAMPLES

from .apngs import DISPOSALS, Layout
from .film import Film, Frame, Pixel


def read(data: bytes) -> Film:
    """The film in a PNG file; a still image has one frame."""
    width = height = plays = 0
    layout, found = Layout(0, 8), []
    for kind, payload in png.chunks(data):
        if kind == b"IHDR":
            width, height, depth, colour, *_, interlaced = struct.unpack(">IIBBBBB", payload)
            assert (depth <= 8, interlaced) == (True, 0)
            layout = Layout(colour, depth)
        elif kind == b"PLTE":
            colours = zip(payload[0::3], payload[1::3], payload[2::3], strict=True)
            layout = layout._replace(palette=tuple((*each, 255) for each in colours))
        elif kind == b"tRNS":
            alphas = payload.ljust(len(layout.palette), b"\xff")
            entries = zip(layout.palette, alphas, strict=True)
            layout = layout._replace(palette=tuple((*each[:3], alpha) for each, alpha in entries))
        elif kind == b"acTL":
            _, plays = struct.unpack(">II", payload)
        elif kind == b"fcTL":
            found.append((struct.unpack(">I4I2HBB", payload), b""))
        elif kind == b"IDAT":
            found = found or [((0, width, height, 0, 0, 0, 1, 0, 0), b"")]
            found[-1] = found[-1][0], found[-1][1] + payload
        elif kind == b"fdAT":
            found[-1] = found[-1][0], found[-1][1] + payload[4:]
    return Film(width, height, [_frame(*each, layout) for each in found], plays)


def _frame(control: tuple[int, ...], data: bytes, layout: Layout) -> Frame:
    _, width, height, left, top, delay, per, disposal, blend = control
    pixels = _pixels(zlib.decompress(data), width, layout)
    shown = round(1000 * delay / (per or 100))
    return Frame(left, top, width, height, pixels, shown, DISPOSALS[disposal], over=blend == 1)


def _pixels(data: bytes, width: int, layout: Layout) -> list[Pixel]:
    """Undo each row's filter (PNG, 9.2), and unpack its samples."""
    samples = SAMPLES[layout.colour]
    unit, length = max(1, samples * layout.depth // 8), -(-samples * layout.depth * width // 8)
    above, pixels = [0] * length, []
    for start in range(0, len(data), length + 1):
        row: list[int] = []
        for index, byte in enumerate(data[start + 1 : start + 1 + length]):
            left = row[index - unit] if index >= unit else 0
            corner = above[index - unit] if index >= unit else 0
            row.append(byte + _predicted(data[start], left, above[index], corner) & 255)
        values = _unpacked(row, layout.depth)
        pixels += [
            layout.pixel(tuple(values[at : at + samples]))
            for at in range(0, samples * width, samples)
        ]
        above = row
    return pixels


def _unpacked(row: list[int], depth: int) -> list[int]:
    shifts = range(8 - depth, -1, -depth)
    return [byte >> shift & (1 << depth) - 1 for byte in row for shift in shifts]


def _predicted(filter_: int, left: int, up: int, corner: int) -> int:
    if filter_ < 4:
        return (0, left, up, (left + up) // 2)[filter_]
    return min((left, up, corner), key=lambda each: abs(left + up - corner - each))
