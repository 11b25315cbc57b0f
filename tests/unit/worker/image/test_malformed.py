"""What no standard allows and every decoder reads, what is valid and looks broken, and the words
for what is broken."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from imagejob_worker.contract.failures import ItemFailure
from support.pictures import Bench, encoded, photo
from support.specimens import exif, jpeg, png, webp

PHOTO = photo((96, 64))
PLAIN = jpeg.encode(PHOTO)
WITHOUT_JFIF = PLAIN[:2] + PLAIN[20:]


def clear_webp(width: int, height: int) -> bytes:
    """Of 28 bytes: no transforms, and five codes of one symbol each, which takes no bits then."""
    head = (width - 1) | (height - 1) << 14 | 1 << 28
    codes = sum(0b0001 << 3 + 4 * each for each in range(5))
    payload = b"\x2f" + head.to_bytes(4, "little") + codes.to_bytes(3, "little")
    return webp.assemble(webp.chunk(b"VP8L", payload))


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (100, 100), (16383, 1), (1, 16383)])
def test_a_webp_of_few_bytes(bench: Bench, size: tuple[int, int]) -> None:
    data = clear_webp(*size)

    picture = bench.picture(data)

    assert len(data) == 28
    assert (picture.size, picture.getpixel((0, 0))) == (size, (0, 0, 0, 0))


SHORT = {
    **{f"JFIF of {n}": jpeg.segment(jpeg.APP0, b"JFIF\0\1\1\0\0\1\0\1\0\0"[:n]) for n in range(14)},
    **{f"Adobe of {n}": jpeg.segment(jpeg.APP14, b"Adobe\0\x64\0\0\0\0\1"[:n]) for n in range(12)},
    "Exif without a block": jpeg.segment(jpeg.APP1, b"Exif\0"),
    "Exif of a byte order": jpeg.segment(jpeg.APP1, b"Exif\0\0MM\0*"),
    "Exif that points outside": jpeg.segment(jpeg.APP1, b"Exif\0\0MM\0*\0\0\xff\xff"),
    "ICC without a number": jpeg.segment(jpeg.APP2, b"ICC_PROFILE\0"),
    "Photoshop without resources": jpeg.segment(jpeg.APP13, b"Photoshop 3.0\0"),
    "Photoshop cut": jpeg.segment(jpeg.APP13, b"Photoshop 3.0\08BIM\4\4\0\0\0\0\xff"),
    "XMP without a packet": jpeg.segment(jpeg.APP1, jpeg.XMP_HEADER),
    "MPF without an index": jpeg.segment(jpeg.APP2, b"MPF\0"),
    "empty": b"".join(jpeg.segment(marker, b"") for marker in range(0xE0, 0xF0)),
}


@pytest.mark.parametrize("segment", SHORT.values(), ids=SHORT)
def test_segments_of_too_few_bytes_say_nothing(bench: Bench, segment: bytes) -> None:
    whole = bench.picture(WITHOUT_JFIF)

    processed = bench.picture(WITHOUT_JFIF[:2] + segment + WITHOUT_JFIF[2:])

    assert processed.tobytes() == whole.tobytes()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("first", "second"), [(1, 6), (6, 1), (6, 8), (3, 6), (8, 0), (None, 6)])
def test_of_two_exif_blocks_the_first_counts(
    bench: Bench, name: str, first: int | None, second: int
) -> None:
    blocks = [exif.exif(first), exif.exif(second)]
    if name == "JPEG":
        data = jpeg.with_segments(PLAIN, *map(jpeg.exif_segment, blocks))
    elif name == "PNG":
        data = png.with_chunks(png.encode(PHOTO), *(png.chunk(b"eXIf", each) for each in blocks))
    else:
        data = webp.extended(
            PHOTO, webp.EXIF_FLAG, after=tuple(webp.chunk(b"EXIF", each) for each in blocks)
        )

    assert bench.picture(data).size == ((64, 96) if first in (6, 8) else (96, 64))


@pytest.mark.parametrize("flags", range(5))
def test_a_png_of_apples_own_kind_is_named(bench: Bench, flags: int) -> None:
    own = png.chunk(b"CgBI", bytes((0x50, 0, 0x20, flags)))
    data = png.SIGNATURE + own + png.encode(PHOTO)[len(png.SIGNATURE) :]

    with pytest.raises(ItemFailure) as caught:
        bench.process(data, {})

    assert caught.value.reason == "UnsupportedFormat"
    assert caught.value.message.startswith("the source is a PNG of Apple's own kind (CgBI)")


WORDS = re.compile(
    r"""
      (all|\d+\ %)\ of\ the\ rows\ are\ missing\ or\ damaged
    | (at\ least\ )?the\ last\ \d+\ %\ of\ the\ rows\ are\ (missing\ or\ )?damaged
    | at\ least\ half\ of\ the\ rows\ are\ missing\ or\ damaged
    | the\ frames\ from\ \d+\ on\ are\ missing\ or\ damaged
    | scan\ \d+\ of\ \d+\ is\ damaged;\ how\ many\ rows\ it\ affects\ is\ unknown
    | rows\ are\ damaged;\ how\ many\ is\ unknown
    | the\ last\ scans\ are\ missing:\ all\ rows\ lack\ detail
    | the\ \w+\ can't\ be\ decoded:\ its\ data\ is\ damaged
      (\ from\ its\ first\ row\ on|\ in\ scan\ \d+)?
    | the\ \w+\ can't\ be\ decoded:\ the\ last\ \d+\ %\ of\ the\ file\ is\ missing
    | the\ \w+\ file\ (ends|is\ cut\ short|begins|does\ not\ begin|has)\ [\w ,]+
    | the\ [\w ]+\ file's[ ]
      (structure\ is\ broken(:\ a\ box\ is\ cut\ short)?|first\ directory\ states\ no\ size)
    | the\ header\ (says\ [\dx ]+\ pixels|can\ be\ read\ as\ [\d x]+\ and\ as\ [\d x]+)
    | [\d x]+:\ the\ limit\ of\ a\ side\ is\ 65,535
    | \d+\ x\ \d+(\ x\ \d+\ frames(\ and\ [\d,]+\ outside)?)?\ is\ [\d,]+\ pixels;[ ]
      the\ limit\ is\ [\d,]+
    | a\ frame\ is\ larger\ than\ the\ header\ says
    | the\ source\ is\ [^_]+
    | the\ TIFF('s)?\ [\w\ ,:-]+
    | [\d,]+\ frames;\ the\ limit\ is\ \d+
    """,
    re.VERBOSE,
)

FRAMES = [photo((32, 24), seed=seed) for seed in range(3)]
MOVING: dict[str, Any] = {"save_all": True, "append_images": FRAMES[1:], "duration": 50}
DAMAGED = {
    "jpeg": PLAIN,
    "progressive": encoded(PHOTO, "JPEG", progressive=True),
    "stuffed jpeg": jpeg.stuffed(PHOTO, b"profile"),
    "png": encoded(PHOTO, "PNG"),
    "16-bit png": encoded(PHOTO.convert("I;16"), "PNG"),
    "stuffed png": png.stuffed(PHOTO, b"profile"),
    "apng": encoded(FRAMES[0], "PNG", **MOVING),
    "gif": encoded(FRAMES[0], "GIF", **MOVING),
    "webp": encoded(PHOTO, "WEBP"),
    "moving webp": encoded(FRAMES[0], "WEBP", **MOVING),
    "tiff": encoded(PHOTO, "TIFF"),
    "lzw": encoded(PHOTO, "TIFF", compression="tiff_lzw"),
    "grey tiff": encoded(PHOTO.convert("L"), "TIFF", compression="packbits"),
    "avif": encoded(PHOTO, "AVIF"),
}


def damaged(data: bytes, source: random.Random) -> bytes:
    at, length = source.randrange(3, len(data)), source.choice([1, 1, 2, 4, 40])
    match source.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[at + length :]
        case 2:
            return data[:at] + bytes(length) + data[at + length :]
    return data[:at] + source.randbytes(length) + data[at + length :]


def failure(bench: Bench, data: bytes) -> ItemFailure | None:
    asked = {"width": 20, "animated": True}
    try:
        bench.process(data, asked, limits={"maxPixels": 10**7})
    except ItemFailure as caught:
        return caught
    return None


@pytest.mark.parametrize("head", [None, 200], ids=["anywhere", "in the head"])
@pytest.mark.parametrize("name", DAMAGED)
def test_failures_are_in_our_own_words(bench: Bench, name: str, head: int | None) -> None:
    data, source = DAMAGED[name], random.Random(name)
    rest = data[head:] if head else b""

    failures = [failure(bench, damaged(data[:head], source) + rest) for _ in range(40)]

    found = [each for each in failures if each is not None]
    assert {each.reason for each in found} <= {"CorruptImage", "TooLarge", "UnsupportedFormat"}
    assert [each.message for each in found if not WORDS.fullmatch(each.message)] == []
    assert found
