"""Where the codes of a damaged JPEG first say what no picture says: damage begins there or before.

libjpeg notices damage where it can't go on, often at the end only. Codes that have lost their place
mean something for a while, but soon a 65th coefficient of a block, or a mean beyond white. Only for
data without restart markers in one scan, as most JPEGs are.

Source: ITU-T T.81, B.2 (segments), F.2.2 (decoding by Huffman codes), A.2 (order of blocks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 2 << 20
"""As many are looked at, about a second's work."""

DHT, DQT, SOS, FRAMES = 0xC4, 0xDB, 0xDA, (0xC0, 0xC1)
MOST_BITS = 64 * 32  # of a block
MOST_BLOCKS = 10  # in an MCU
CHUNK = 512
WHITE = 1024  # eight times the largest sample above the middle


class _Component(msgspec.Struct):
    """One of the image's components: tables of symbols by the next 16 bits, as length << 8 | symbol
    (0: no code), the largest DC coefficient there is, and the last one."""

    dc: list[int]
    ac: list[int]
    most: int
    last: int = 0


class _Bits:
    """The scan's data, without stuffed bytes; behind its end there are ones."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.value = 0
        self.left = 0

    def refill(self) -> None:
        """Have enough for any block."""
        chunk = self.data[self.at : self.at + CHUNK].ljust(CHUNK, b"\xff")
        kept = self.value & ((1 << self.left) - 1)
        self.value = kept << 8 * CHUNK | int.from_bytes(chunk, "big")
        self.at += CHUNK
        self.left += 8 * CHUNK

    @property
    def are_used_up(self) -> bool:
        """Whether more has been taken than there was."""
        return 8 * self.at - self.left > 8 * len(self.data)


def sound_share(data: bytes) -> float | None:
    """Return the share of the rows whose codes all mean something; None: all of them do.

    `data` is a JPEG that libjpeg reads: tables, one frame, one scan, and an end marker.
    """
    try:
        scan = _Scan(data)
    except (IndexError, KeyError, ValueError):  # of another kind
        return None
    for row in range(scan.rows):
        for _ in range(scan.columns):
            if scan.bits.at > MAX_BYTES:
                return None
            for component in scan.blocks:
                if not _is_sound(scan.bits, component):
                    return row / scan.rows
        if scan.bits.are_used_up:
            return row / scan.rows
    return None


class _Scan:
    """What its header, and the tables before it, say. Raises what missing ones raise."""

    def __init__(self, data: bytes) -> None:
        tables: dict[int, bytes] = {}
        steps: dict[int, int] = {}
        frame = b""
        at = 2
        while data[at + 1] != SOS:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if data[at + 1] == DHT:
                tables.update(_tables(data[at + 4 : end]))
            elif data[at + 1] == DQT:
                steps.update(_first_steps(data[at + 4 : end]))
            elif data[at + 1] in FRAMES:
                frame = data[at + 4 : end]
            at = end
        start = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        most = 2 * (MAX_BYTES + MOST_BLOCKS * CHUNK)  # half of them may be stuffed
        end = min(len(data) - 2, start + most)
        self.bits = _Bits(data[start:end].replace(b"\xff\0", b"\xff"))
        self._lay_out(frame, data[at + 4 : start], tables, steps)

    def _lay_out(
        self, frame: bytes, scan: bytes, tables: dict[int, bytes], steps: dict[int, int]
    ) -> None:
        sampling = {frame[at]: frame[at + 1] for at in range(6, len(frame), 3)}
        if len(sampling) == 1:
            sampling = dict.fromkeys(sampling, 0x11)
        quantized = {frame[at]: frame[at + 2] for at in range(6, len(frame), 3)}
        self.blocks: list[_Component] = []
        for name, selected in zip(scan[1:-3:2], scan[2:-3:2], strict=True):
            component = _Component(
                dc=_symbols(tables[selected >> 4]),
                ac=_symbols(tables[0x10 | selected & 15]),
                most=WHITE // steps[quantized[name]] + 2,
            )
            self.blocks += [component] * ((sampling[name] >> 4) * (sampling[name] & 15))
        across = 8 * max(each >> 4 for each in sampling.values())
        down = 8 * max(each & 15 for each in sampling.values())
        self.rows = -(-int.from_bytes(frame[1:3], "big") // down)
        self.columns = -(-int.from_bytes(frame[3:5], "big") // across)


def _tables(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """The tables of one segment as they are stored, by class and number.

    A file may have millions of them, of which the last ones count: only these are spelt out.
    """
    at = 0
    while at < len(payload):
        end = at + 17 + sum(payload[at + 1 : at + 17])
        yield payload[at], payload[at + 1 : end]
        at = end


def _symbols(stored: bytes) -> list[int]:
    """A table as its component has it. Raises ValueError for more codes than there can be."""
    table: list[int] = []
    symbol = 16
    for length in range(1, 17):
        for _ in range(stored[length - 1]):
            table += [length << 8 | stored[symbol]] * (1 << 16 - length)
            symbol += 1
            if len(table) > 1 << 16:
                raise ValueError
    return table + [0] * ((1 << 16) - len(table))


def _first_steps(payload: bytes) -> Iterator[tuple[int, int]]:
    """The step of DC coefficients in each table of one segment, by number."""
    at = 0
    while at < len(payload):
        width = 2 if payload[at] >> 4 else 1
        yield payload[at] & 15, int.from_bytes(payload[at + 1 : at + 1 + width], "big")
        at += 1 + 64 * width


def _is_sound(bits: _Bits, component: _Component) -> bool:
    """Read one block. All in one, as it runs for each block of an image."""
    if bits.left < MOST_BITS:
        bits.refill()
    value, left, table = bits.value, bits.left, component.ac
    code = component.dc[value >> left - 16 & 0xFFFF]
    left -= code >> 8
    if size := code & 0xFF:
        left -= size
        step = value >> left & (1 << size) - 1
        component.last += step if step >> size - 1 else step + 1 - (1 << size)
    if not code or size > 11 or abs(component.last) > component.most:
        return False
    index = 1
    while index < 64:
        code = table[value >> left - 16 & 0xFFFF]
        left -= code >> 8
        run, size = code >> 4 & 15, code & 15
        if size:
            index += run + 1
            left -= size
        elif run == 15:
            index += 16
        elif code and not run:  # the end of the block
            break
        if not code or size > 10 or index > 64 or (not size and run != 15):
            return False
    bits.left = left
    return True
