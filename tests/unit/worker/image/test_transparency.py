"""Every mode that a decoder can return, and transparency in all of them."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from imagejob_worker.contract.failures import ItemFailure
from PIL import Image
from support.pictures import Bench, difference, distance, encoded, opened, photo, pixel
from support.specimens import png

SIZE = (16, 16)


def flat(mode: str, value: Any) -> Image.Image:
    return Image.new(mode, SIZE, value)


def palette(transparent: int | None = None) -> Image.Image:
    """Left half colour 0, red; right half colour 1, green."""
    image = Image.new("P", SIZE, 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(0, (0, 0, 8, 16))
    if transparent is not None:
        image.info["transparency"] = transparent
    return image


def raw_png(depth: int, colour: int, row: bytes, transparent: bytes = b"") -> bytes:
    """A PNG of 4 equal rows of 4 pixels, in a depth that Pillow does not write."""
    extra = (png.chunk(b"tRNS", transparent),) if transparent else ()
    pixels = png.chunk(b"IDAT", zlib.compress((b"\0" + row) * 4))
    return png.assemble(png.header(4, 4, depth, colour), *extra, pixels, png.chunk(b"IEND", b""))


def grey_16(value: int, clear: int | None = None) -> bytes:
    transparent = b"" if clear is None else struct.pack(">H", clear)
    return raw_png(16, 0, struct.pack(">H", value) * 4, transparent)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(encoded(flat("1", 1), "PNG"), (255,) * 4, id="1 bit"),
        pytest.param(raw_png(1, 0, b"\xff", b"\0\x01"), (255, 255, 255, 0), id="1 bit, tRNS"),
        pytest.param(raw_png(1, 0, b"\xff", b"\0\0"), (255,) * 4, id="1 bit, other tRNS"),
        pytest.param(raw_png(2, 0, b"\xaa"), (170, 170, 170, 255), id="2 bits"),
        pytest.param(raw_png(2, 0, b"\xaa", b"\0\x02"), (170, 170, 170, 0), id="2 bits, tRNS"),
        pytest.param(raw_png(4, 0, b"\xaa\xaa", b"\0\x0a"), (170, 170, 170, 0), id="4 bits, tRNS"),
        pytest.param(encoded(flat("L", 7), "PNG"), (7, 7, 7, 255), id="L"),
        pytest.param(encoded(flat("L", 7), "PNG", transparency=7), (7, 7, 7, 0), id="L, tRNS"),
        pytest.param(encoded(flat("LA", (9, 80)), "PNG"), (9, 9, 9, 80), id="LA"),
        pytest.param(encoded(flat("RGB", (1, 2, 3)), "PNG"), (1, 2, 3, 255), id="RGB"),
        pytest.param(
            encoded(flat("RGB", (1, 2, 3)), "PNG", transparency=(1, 2, 3)), (1, 2, 3, 0),
            id="RGB, tRNS",
        ),
        pytest.param(encoded(flat("RGBA", (1, 2, 3, 4)), "PNG"), (1, 2, 3, 4), id="RGBA"),
        pytest.param(encoded(palette(), "PNG"), (255, 0, 0, 255), id="P"),
        pytest.param(encoded(palette(), "PNG", transparency=0), (255, 0, 0, 0), id="P, tRNS"),
        pytest.param(
            encoded(palette(), "PNG", transparency=b"\x50\xff"), (255, 0, 0, 80),
            id="P, tRNS of two",
        ),
        pytest.param(encoded(palette(), "PNG", transparency=1), (255, 0, 0, 255), id="P, other"),
        pytest.param(encoded(palette(), "GIF"), (255, 0, 0, 255), id="GIF"),
        pytest.param(encoded(palette(), "GIF", transparency=0), (255, 0, 0, 0), id="GIF, clear"),
        pytest.param(grey_16(32768), (128, 128, 128, 255), id="16-bit grey"),
        pytest.param(grey_16(65535), (255,) * 4, id="16-bit white"),
        pytest.param(grey_16(300), (1, 1, 1, 255), id="16-bit dark grey"),
        pytest.param(grey_16(32768, 32768), (128, 128, 128, 0), id="16-bit grey, tRNS"),
        pytest.param(grey_16(32768, 32769), (128, 128, 128, 255), id="16-bit grey, near tRNS"),
        pytest.param(
            raw_png(16, 4, struct.pack(">HH", 32768, 65535) * 4), (128, 128, 128, 255),
            id="16-bit LA",
        ),
        pytest.param(
            raw_png(16, 2, struct.pack(">HHH", 65535, 32768, 0) * 4), (255, 128, 0, 255),
            id="16-bit RGB",
        ),
        pytest.param(
            raw_png(16, 2, struct.pack(">HHH", 65535, 32768, 0) * 4,
                    struct.pack(">HHH", 65535, 32768, 0)),
            (255, 128, 0, 0), id="16-bit RGB, tRNS",
        ),
        pytest.param(encoded(Image.new("I;16", SIZE, 32768), "TIFF"), (128, 128, 128, 255),
                     id="16-bit TIFF"),
        pytest.param(encoded(flat("L", 77), "TIFF"), (77, 77, 77, 255), id="TIFF L"),
        pytest.param(encoded(flat("1", 1), "TIFF"), (255,) * 4, id="TIFF 1 bit"),
        pytest.param(encoded(flat("RGBA", (1, 2, 3, 4)), "TIFF"), (1, 2, 3, 4), id="TIFF RGBA"),
        pytest.param(encoded(palette(), "TIFF"), (255, 0, 0, 255), id="TIFF palette"),
        pytest.param(encoded(flat("LAB", (255, 128, 128)), "TIFF"), (255,) * 4, id="TIFF Lab"),
        pytest.param(
            encoded(flat("RGBA", (9, 8, 7, 60)), "WEBP", lossless=True, exact=True),
            (9, 8, 7, 60), id="WebP",
        ),
        pytest.param(encoded(flat("RGBA", (90, 80, 70, 60)), "AVIF", quality=100),
                     (90, 80, 70, 60), id="AVIF"),
    ],
)  # fmt: skip
def test_every_mode_keeps_its_colour_and_transparency(
    bench: Bench, source: bytes, expected: tuple[int, ...]
) -> None:
    found = pixel(bench.picture(source).convert("RGBA"), (2, 2))

    assert found[3] == expected[3]
    assert distance(found[:3], expected[:3]) <= 2  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["F", "I"])
def test_samples_of_32_bits_are_no_picture_for_the_web(bench: Bench, mode: str) -> None:
    with pytest.raises(ItemFailure) as failure:
        bench.process(encoded(Image.new(mode, SIZE), "TIFF"), {})

    assert failure.value.reason == "UnsupportedFormat"
    assert "the source is 32-bit" in failure.value.message


def test_a_16_bit_ramp_is_scaled_and_not_clipped(bench: Bench) -> None:
    ramp = Image.frombytes("I;16", (256, 1), struct.pack("<256H", *range(0, 65536, 256)))

    image = bench.picture(encoded(ramp, "PNG"))

    levels = list(image.tobytes())
    assert levels == sorted(levels)
    assert len(set(levels)) > 250


def test_what_is_transparent_lends_no_colour_to_its_neighbours(bench: Bench) -> None:
    """Half a white disc on transparent black: careless resizing would make its edge grey."""
    source = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    source.paste((255, 255, 255, 255), (0, 0, 31, 64))

    image = bench.picture(encoded(source, "PNG"), width=16)

    shown = [pixel(image, (x, 8)) for x in range(16)]
    assert any(0 < alpha < 255 for *_, alpha in shown)
    assert all(min(colour) >= 254 for *colour, alpha in shown if alpha > 8)


@pytest.mark.parametrize(
    ("background", "expected"), [(None, (255, 255, 255)), ("#f80", (255, 136, 0))]
)
def test_jpeg_shows_the_background_through(
    bench: Bench, background: str | None, expected: tuple[int, int, int]
) -> None:
    source = encoded(flat("RGBA", (0, 0, 0, 0)), "PNG")

    image = bench.picture(source, format="jpeg", background=background)

    assert distance(pixel(image, (8, 8)), expected) <= 3


def test_half_transparent_on_a_background_is_mixed(bench: Bench) -> None:
    source = encoded(flat("RGBA", (0, 0, 0, 128)), "PNG")

    image = bench.picture(source, background="#ffffff")

    assert image.mode == "RGB"
    assert distance(pixel(image, (8, 8)), (127, 127, 127)) <= 1


def test_opaque_alpha_is_left_out(bench: Bench) -> None:
    picture = photo((48, 32))

    image = bench.picture(encoded(picture.convert("RGBA"), "PNG"))

    assert image.mode == "RGB"
    assert difference(image, picture) == 0


def test_transparency_survives_every_format_that_has_it(bench: Bench) -> None:
    source = Image.new("RGBA", (32, 32), (200, 40, 40, 255))
    source.paste((0, 0, 0, 0), (0, 0, 16, 32))

    outputs = bench.process(
        encoded(source, "PNG"), *({"format": name} for name in ("png", "webp", "avif"))
    ).outputs

    for made in outputs:
        image = opened(made).convert("RGBA")
        assert pixel(image, (4, 16))[3] == 0
        assert pixel(image, (28, 16))[3] == 255
