"""Pillow's decoders, run step by step, and what they know but don't say.

Where libjpeg meets damage it counts a warning, makes something up, and goes on. Pillow drops the
count (in the source of its decoder, the line that used it is a comment), and there is no other way
to it. So it is read where it lies, in the decoder's memory; the layout is checked at each use, and
by tests for the Pillow that the images hold.
"""

from __future__ import annotations

import _ctypes
from typing import TYPE_CHECKING, Final

from PIL import Image

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# Offsets in bytes: Pillow's decode.c and Imaging.h (ImagingDecoderObject, with its state within),
# Jpeg.h (JPEGSTATE), and jpeglib.h of libjpeg 6.2 (jpeg_decompress_struct, jpeg_error_mgr).
DECODER_BYTES: Final = 144
ROW, WIDTH, HEIGHT, CONTEXT = 48, 56, 60, 104
LIBJPEG: Final = 16
LIBJPEG_BYTES: Final = 632  # behind it, JPEGSTATE has the error manager
SCAN, MCU_ROW, INTERVAL, MCUS_PER_ROW = 172, 176, 368, 472
SAMPLING, BLOCK = 412, 416  # of the component with most rows; of a block, in rows as decoded
MESSAGE, PARAMETERS, WARNINGS = 40, 44, 128

OUT_OF_MEMORY: Final = 54  # JERR_OUT_OF_MEMORY


class _Int(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001 (as in sandbox.kernel)
    _type_ = "i"


class _Word(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001
    _type_ = "l"


def _int(address: int) -> int:
    return int(_Int.from_address(address).value)


def _word(address: int) -> int:
    return int(_Word.from_address(address).value)


class UnknownLayoutError(Exception):
    """This Pillow keeps its state elsewhere than the one that the images hold."""


class Decoder:
    """The decoder of a file's first tile, which draws it into the file's image. For one run.

    Creating one, and the first `feed`, raise UnknownLayoutError.
    """

    def __init__(self, file: ImageFile) -> None:
        name, extents, _, arguments = file.tile[0]
        left, top, right, bottom = extents or (0, 0, *file.size)
        self.height = bottom - top
        self._decoder = Image._getdecoder(file.mode, name, arguments, file.decoderconfig)  # noqa: SLF001
        self._decoder.setimage(file.im, extents)
        self._rest = b""
        self.finished = self.broken = False
        self._at = _checked(self._decoder, (right - left, self.height))

    def feed(self, data: bytes) -> None:
        """Decode what follows in the file."""
        self._rest += data
        used, code = self._decoder.decode(self._rest)
        self.finished, self.broken = used < 0, code < 0
        self._rest = self._rest[used:] if used > 0 else self._rest

    def close(self) -> None:
        """Free what the decoder holds; the image stays."""
        self._decoder.cleanup()

    @property
    def rows(self) -> int:
        """How many rows are drawn."""
        return _int(self._at + ROW)


def rows_drawn(decoder: object, size: tuple[int, int]) -> int:
    """Return how many rows of an image of this size one of Pillow's decoders has drawn.

    0 if it isn't known where it says so.
    """
    try:
        return _int(_checked(decoder, size) + ROW)
    except UnknownLayoutError:
        return 0


def _checked(decoder: object, size: tuple[int, int]) -> int:
    """Return a decoder's address. Raises UnknownLayoutError."""
    at = id(decoder)
    fits = type(decoder).__basicsize__ == DECODER_BYTES
    if not fits or (_int(at + WIDTH), _int(at + HEIGHT)) != size:
        raise UnknownLayoutError
    return at


class JpegDecoder(Decoder):
    """One with libjpeg in it, once it has been fed."""

    def feed(self, data: bytes) -> None:
        """Decode what follows in the file."""
        super().feed(data)
        self._libjpeg = _word(self._at + CONTEXT) + LIBJPEG
        self._errors = _word(self._libjpeg)
        if self._errors != self._libjpeg + LIBJPEG_BYTES:
            raise UnknownLayoutError

    @property
    def warnings(self) -> int:
        """How often libjpeg has met damage."""
        return _word(self._errors + WARNINGS)

    @property
    def out_of_memory(self) -> bool:
        """Whether that is what broke it."""
        return self.broken and _int(self._errors + MESSAGE) == OUT_OF_MEMORY

    @property
    def scan(self) -> int:
        """The scan that is read, from 1; 0 before the first."""
        return _int(self._libjpeg + SCAN)

    @property
    def mcu_row(self) -> int:
        """How many rows of blocks (MCUs) of this scan have been read."""
        return _int(self._libjpeg + MCU_ROW)

    @property
    def mcu_height(self) -> int:
        """How many rows of the image a row of blocks has."""
        return _int(self._libjpeg + SAMPLING) * _int(self._libjpeg + BLOCK)

    @property
    def restarts_after(self) -> int:
        """How many rows of blocks a restart interval is long, rounded up; 0: no restarts."""
        return -(-_int(self._libjpeg + INTERVAL) // (_int(self._libjpeg + MCUS_PER_ROW) or 1))

    @property
    def skipped(self) -> int:
        """How many bytes lay before the end marker that no block needed, after the last row."""
        count, marker = (_int(self._errors + PARAMETERS + 4 * index) for index in (0, 1))
        return count if marker == 0xD9 else 0
