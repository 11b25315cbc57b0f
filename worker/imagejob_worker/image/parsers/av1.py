"""AV1's sequence header: read for the colours that it states, which count where HEIF says nothing.

Source: AV1 Bitstream & Decoding Process Specification, 5.3 (OBUs), 5.5 (sequence header).
"""

from __future__ import annotations

TEMPORAL_DELIMITER, SEQUENCE_HEADER = 2, 1
MAX_HEADER_BYTES = 256
"""How much of an item to read: its sequence header comes first, and takes about a dozen bytes."""

_CHOOSE = 2  # SELECT_SCREEN_CONTENT_TOOLS


class _Bits:
    """Unsigned numbers of so many bits, one after the other. Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise IndexError("the AV1 sequence header is cut short")
        return self._bits >> self._left & (1 << count) - 1

    def variable(self) -> int:
        """A `uvlc()`: as many bits as zeros come first."""
        zeros = 0
        while not self.read(1):
            zeros += 1
        return self.read(zeros)


def colours(data: bytes) -> tuple[int, int] | None:
    """Colour primaries and transfer characteristics; None if the sequence header states none."""
    at = 0
    try:
        while (kind := data[at] >> 3 & 15) == TEMPORAL_DELIMITER:
            at, length = _payload(data, at)
            at += length
        if kind != SEQUENCE_HEADER:
            return None
        at, length = _payload(data, at)
        return _colour_config(_Bits(data[at : at + length]))
    except IndexError:
        return None


def _payload(data: bytes, at: int) -> tuple[int, int]:
    """Where an OBU's payload begins, and its length."""
    header, at = data[at], at + 1
    at += header >> 2 & 1
    if not header & 2:
        return at, len(data) - at
    length = shift = 0
    while True:
        byte, at = data[at], at + 1
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return at, length


def _colour_config(bits: _Bits) -> tuple[int, int] | None:
    profile, _, reduced = bits.read(3), bits.read(1), bits.read(1)
    if reduced:
        bits.read(5)
    else:
        _skip_operating_points(bits)
    _skip_frame_size(bits, reduced=bool(reduced))
    bits.read(3)
    if not reduced:
        _skip_tools(bits)
    bits.read(3)
    if bits.read(1) and profile == 2:
        bits.read(1)
    if profile != 1:
        bits.read(1)
    return (bits.read(8), bits.read(8)) if bits.read(1) else None


def _skip_operating_points(bits: _Bits) -> None:
    delay = None
    if bits.read(1):  # timing_info
        bits.read(64)
        if bits.read(1):
            bits.variable()
        if bits.read(1):  # decoder_model_info
            delay = bits.read(5) + 1
            bits.read(42)
    displayed = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        if bits.read(5) > 7:
            bits.read(1)
        if delay is not None and bits.read(1):
            bits.read(2 * delay + 1)
        if displayed and bits.read(1):
            bits.read(4)


def _skip_frame_size(bits: _Bits, *, reduced: bool) -> None:
    across, down = bits.read(4) + 1, bits.read(4) + 1
    bits.read(across + down)
    if not reduced and bits.read(1):  # frame_id_numbers
        bits.read(7)


def _skip_tools(bits: _Bits) -> None:
    bits.read(4)
    ordered = bits.read(1)
    if ordered:
        bits.read(2)
    screen = _CHOOSE if bits.read(1) else bits.read(1)
    if screen and not bits.read(1):
        bits.read(1)
    if ordered:
        bits.read(3)
