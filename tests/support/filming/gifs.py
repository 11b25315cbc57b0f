"""GIF animations at random: every disposal, palettes of their own, frames beyond the canvas."""

from __future__ import annotations

import struct
from random import Random

from .film import Disposal, Film, Frame, Pixel

Colours = list[tuple[int, int, int]]
DISPOSALS: dict[int, Disposal] = {
    0: "none", 1: "none", 2: "background", 3: "previous", 4: "previous", 5: "none", 7: "none",
}  # fmt: skip
BLACK = (0, 0, 0)


def make(random: Random) -> tuple[bytes, Film]:
    """A GIF file, and the film that it holds."""
    screen = random.randint(1, 14), random.randint(1, 14)
    shared = _colours(random) if random.random() < 0.7 else None
    plays = random.choice([None, 0, 1, 3])
    parts = [
        b"GIF89a",
        struct.pack("<HH", *screen),
        _flags(shared, 0x80),
        bytes((random.randrange(4), 0)),
    ]
    parts += [_table(shared), _looping(plays)]
    frames, features = [], {"global palette" if shared else "no global palette"}
    width, height = screen
    for number in range(random.randint(1, 6)):
        data, frame, drawn = _frame(random, (width, height), shared, first=number == 0)
        if number == 0:  # which enlarges a canvas that is too small for it
            width, height = (
                max(width, frame.left + frame.width),
                max(height, frame.top + frame.height),
            )
        parts.append(data)
        frames.append(frame)
        features |= drawn
    film = Film(width, height, frames, 1 if plays is None else (plays + 1 if plays else 0))
    film = Film(width, height, frames, film.plays, None, frozenset(features))
    return b"".join(parts) + b";", film


def _frame(
    random: Random, canvas: tuple[int, int], shared: Colours | None, *, first: bool
) -> tuple[bytes, Frame, set[str]]:
    box, features = _box(random, canvas, first=first)
    own = _colours(random) if random.random() < (0.4 if shared else 0.9) else None
    colours = own or shared or []
    bits = (
        random.choice([2, 3, 8])
        if random.random() < 0.2
        else max(2, (len(colours) - 1).bit_length())
    )
    most = min(1 << bits, 2 * len(colours) or 4)
    indices = [random.randrange(most) for _ in range(box[2] * box[3])]
    if random.random() < 0.3:
        indices = indices[:1] * len(indices)
    clear = random.choice(indices) if indices and random.random() < 0.6 else None
    disposal, interlaced = random.choice([*DISPOSALS]), random.random() < 0.3
    delay = random.choice([0, 1, 2, 7, 10])
    features |= {f"disposal {disposal}"} | ({"local palette"} if own else set())
    features |= ({"transparent"} if clear is not None else set()) | (
        {"interlaced"} if interlaced else set()
    )
    if any(index >= len(colours) for index in indices):
        features.add("colour beyond the palette")
    flags = disposal << 2 | (clear is not None)
    data = b"!\xf9\x04" + struct.pack("<BHBB", flags, delay, clear or 0, 0)
    data += (
        b"," + struct.pack("<4H", *box) + _flags(own, 0x80, 0x40 if interlaced else 0) + _table(own)
    )
    rows = [indices[at : at + box[2]] for at in range(0, len(indices), box[2] or 1)]
    order = _passes(len(rows)) if interlaced else range(len(rows))
    data += _codes([index for row in order for index in rows[row]], bits)
    pixels = [_pixel(index, colours, clear) for index in indices]
    return data, Frame(*box, pixels, 10 * delay, DISPOSALS[disposal]), features


def _box(
    random: Random, canvas: tuple[int, int], *, first: bool
) -> tuple[tuple[int, int, int, int], set[str]]:
    width, height = canvas
    kind = random.choice(["whole", "part", "part", "part", "beyond", "outside", "empty"])
    if kind == "whole":
        return (0, 0, width, height), {"frame of the canvas"}
    if kind == "beyond":
        found = random.randrange(width), random.randrange(height), width + 3, height + 2
        return found, {
            "first frame larger than the canvas" if first else "frame larger than the canvas"
        }
    if kind == "outside" and not first:
        return (width + 2, random.randrange(height), 3, 2), {"frame outside the canvas"}
    if kind == "empty" and not first:
        return (0, 0, 0, 0), {"empty frame"}
    left, top = random.randrange(width), random.randrange(height)
    return (left, top, random.randint(1, width - left), random.randint(1, height - top)), {
        "part of the canvas"
    }


def _pixel(index: int, colours: Colours, clear: int | None) -> Pixel:
    colour = colours[index] if index < len(colours) else BLACK
    return (*colour, 0 if index == clear else 255)


def _colours(random: Random) -> Colours:
    count = 2 ** random.choice([1, 2, 2, 3, 8])
    if random.random() < 0.1:  # which readers may take for greys
        return [(index, index, index) for index in range(count)]
    return [
        (random.randrange(256), random.randrange(256), random.randrange(256)) for _ in range(count)
    ]


def _flags(colours: Colours | None, present: int, other: int = 0) -> bytes:
    return bytes(((present | len(colours).bit_length() - 2 if colours else 0) | other,))


def _table(colours: Colours | None) -> bytes:
    return b"".join(map(bytes, colours or []))


def _looping(plays: int | None) -> bytes:
    if plays is None:
        return b""
    return b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", plays) + b"\0"


def _passes(height: int) -> list[int]:
    """The order of rows in an interlaced image (GIF89a, appendix E)."""
    return [
        row
        for start, step in ((0, 8), (4, 8), (2, 4), (1, 2))
        for row in range(start, height, step)
    ]


def _codes(indices: list[int], bits: int) -> bytes:
    """LZW without compression: the table is cleared before codes would grow."""
    clear, run, value, filled = 1 << bits, (1 << bits) - 2, 0, 0
    codes: list[int] = [clear]
    for number, index in enumerate(indices):
        codes += [clear, index] if number and number % run == 0 else [index]
    for code in [*codes, clear + 1]:
        value |= code << filled
        filled += bits + 1
    data = value.to_bytes((filled + 7) // 8, "little")
    blocks = [data[at : at + 255] for at in range(0, len(data), 255)]
    return bytes((bits,)) + b"".join(bytes((len(block),)) + block for block in blocks) + b"\0"
