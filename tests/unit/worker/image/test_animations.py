"""Animations: all frames if an output asks for them, else the first."""

from __future__ import annotations

import io
from typing import Any

import pytest
from imagejob_worker.contract.facts import Note
from imagejob_worker.contract.failures import ItemFailure
from PIL import Image
from support.pictures import Bench, Rgb, distance, encoded, opened, photo, pixel
from support.specimens import gif, png

COLOURS: tuple[Rgb, ...] = ((220, 30, 40), (30, 180, 60), (40, 50, 210))
DURATIONS = [100, 250, 70]
SIZE = (40, 30)


def frames(mode: str = "RGB") -> list[Image.Image]:
    return [Image.new("RGB", SIZE, colour).convert(mode) for colour in COLOURS]


def animation(name: str, loop: int = 0, **options: Any) -> bytes:
    first, *others = frames()
    if name == "AVIF":
        options |= {"quality": 95}
    else:
        options |= {"loop": loop}
    if name == "WEBP":
        options |= {"lossless": True}
    return encoded(first, name, save_all=True, append_images=others, duration=DURATIONS, **options)


SOURCES = {name: animation(name) for name in ("GIF", "WEBP", "PNG", "AVIF")}


def shown(image: Image.Image) -> list[tuple[Rgb, int]]:
    """Each frame's colour in the middle, and its duration."""
    found = []
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        image.load()
        rgb = image.convert("RGB")
        middle = pixel(rgb, (rgb.width // 2, rgb.height // 2))
        found.append((middle, round(image.info.get("duration", 0))))
    return found


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ["webp", "png", "avif", "auto"])
def test_every_frame_with_its_duration(bench: Bench, source: str, name: str) -> None:
    processed = bench.process(SOURCES[source], {"format": name, "animated": True, "width": 20})

    (made,) = processed.outputs
    found = shown(opened(made))
    assert (made.width, made.height) == (20, 15)
    assert [duration for _, duration in found] == DURATIONS
    assert all(distance(seen, is_) < 30 for (seen, _), is_ in zip(found, COLOURS, strict=True))
    assert made.format == ("webp" if name == "auto" else name)
    assert (processed.source.frames, processed.notes) == (3, Note(0))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("asked", [{}, {"animated": True, "format": "jpeg"}, {"format": "webp"}])
def test_otherwise_the_first_with_a_note(bench: Bench, source: str, asked: dict[str, Any]) -> None:
    processed = bench.process(SOURCES[source], asked, limits={"maxFrames": 1})

    ((colour, _),) = shown(opened(processed.outputs[0]))
    assert distance(colour, COLOURS[0]) < 30
    assert (processed.source.frames, processed.notes) == (3, Note.FRAMES_UNUSED)


def test_stills_and_animations_of_one_source(bench: Bench) -> None:
    processed = bench.process(
        SOURCES["GIF"], {"format": "jpeg"}, {"format": "webp", "animated": True}
    )

    still, moving = processed.outputs
    assert [len(shown(opened(made))) for made in (still, moving)] == [1, 3]
    assert processed.notes == Note(0)


def test_a_still_source_stays_one_frame(bench: Bench) -> None:
    source = encoded(photo(SIZE), "PNG")

    image = bench.picture(source, format="webp", animated=True)

    assert getattr(image, "n_frames", 1) == 1


@pytest.mark.parametrize(
    ("source", "loop", "plays"),
    [
        ("GIF", 0, 0),
        ("GIF", 4, 5),  # GIF counts repeats, WebP and PNG count plays
        ("WEBP", 0, 0),
        ("WEBP", 5, 5),
        ("PNG", 5, 5),
    ],
)
@pytest.mark.parametrize("name", ["webp", "png"])
def test_loops_as_often(bench: Bench, source: str, loop: int, plays: int, name: str) -> None:
    image = bench.picture(animation(source, loop), format=name, animated=True)

    assert image.info["loop"] == plays


def test_a_gif_that_does_not_say_plays_once(bench: Bench) -> None:
    first, *others = frames()
    source = encoded(first, "GIF", save_all=True, append_images=others, duration=DURATIONS)
    assert b"NETSCAPE" not in source

    assert bench.picture(source, format="webp", animated=True).info["loop"] == 1


def test_partial_frames_are_put_together(bench: Bench) -> None:
    """A GIF's later frames are patches; each disposal leaves something else below the next."""
    palette = b"\xff\0\0\0\xff\0\0\0\xff\xff\xff\xff"
    screen = b"GIF89a" + bytes((8, 0, 8, 0, 0x81, 0, 0)) + palette

    def patch(colour: int, left: int, disposal: int, side: int) -> bytes:
        image = Image.new("P", (side, side), colour)
        image.putpalette(palette)
        data = encoded(image, "GIF", optimize=False)
        lzw = data[data.rindex(b",") + 10 : -1]
        if data[data.rindex(b",") + 9] & 0x80:
            lzw = lzw[3 << (data[data.rindex(b",") + 9] & 7) + 1 :]
        frame = b"," + bytes((left, 0, 0, 0, side, 0, side, 0, 0)) + lzw
        return gif.control(10, disposal) + frame

    source = screen + patch(0, 0, 1, 8) + patch(1, 0, 3, 4) + patch(2, 4, 1, 4) + b";"

    image = bench.picture(source, format="png", animated=True)

    seen = []
    for index in range(3):
        image.seek(index)
        rgb = image.convert("RGB")
        seen.append((pixel(rgb, (1, 1)), pixel(rgb, (6, 1))))
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    assert seen == [(red, red), (green, red), (red, blue)]


def test_transparent_frames_do_not_show_the_one_before(bench: Bench) -> None:
    first = Image.new("RGBA", SIZE, (200, 0, 0, 255))
    second = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    second.paste((0, 200, 0, 255), (0, 0, 20, 30))
    source = encoded(first, "PNG", save_all=True, append_images=[second], duration=50)

    for name in ("webp", "png", "avif"):
        image = bench.picture(source, format=name, animated=True, lossless=name == "webp")
        image.seek(1)
        rgba = image.convert("RGBA")
        assert pixel(rgba, (35, 15))[3] < 8, name
        assert pixel(rgba, (5, 15))[3] > 247, name


def test_a_default_image_is_no_frame(bench: Bench) -> None:
    """An APNG may have an image for readers without animation: the still, not a frame."""
    still, *others = [Image.new("RGB", SIZE, (9, 9, 9)), *frames()]
    source = encoded(
        still, "PNG", save_all=True, append_images=others, default_image=True, duration=DURATIONS
    )

    moving = bench.process(source, {"format": "webp", "animated": True})
    found = shown(opened(moving.outputs[0]))
    image = bench.picture(source)

    assert moving.source.frames == 3
    assert [duration for _, duration in found] == DURATIONS
    assert distance(found[0][0], COLOURS[0]) < 10
    assert pixel(image, (5, 5)) == (9, 9, 9)


def test_frames_beyond_what_a_png_declares_are_not_played(bench: Bench) -> None:
    source = SOURCES["PNG"]
    at = source.index(b"acTL") - 4
    declared = png.chunk(b"acTL", (2).to_bytes(4, "big") + bytes(4))

    processed = bench.process(
        source[:at] + declared + source[at + len(declared) :], {"animated": True}
    )

    assert processed.source.frames == 2
    assert len(shown(opened(processed.outputs[0]))) == 2


def test_frames_declared_but_absent_are_not_awaited(bench: Bench) -> None:
    source = SOURCES["PNG"]
    at = source.index(b"acTL") - 4
    declared = png.chunk(b"acTL", (2_000_000_000).to_bytes(4, "big") + bytes(4))

    processed = bench.process(
        source[:at] + declared + source[at + len(declared) :], {"animated": True}
    )

    assert processed.source.frames == 3


def test_max_frames_is_for_animated_outputs(bench: Bench) -> None:
    with pytest.raises(ItemFailure) as failure:
        bench.process(SOURCES["GIF"], {"animated": True}, limits={"maxFrames": 2})

    assert (failure.value.reason, failure.value.message) == (
        "TooLarge",
        "3 frames; the limit is 2",
    )


def test_max_pixels_counts_all_frames(bench: Bench) -> None:
    with pytest.raises(ItemFailure) as failure:
        bench.process(SOURCES["GIF"], {"animated": True}, limits={"maxPixels": 3599})

    message = "40 x 30 x 3 frames is 3,600 pixels; the limit is 3,599"
    assert (failure.value.reason, failure.value.message) == ("TooLarge", message)


def test_max_pixels_of_a_still_counts_one(bench: Bench) -> None:
    processed = bench.process(SOURCES["GIF"], {}, limits={"maxPixels": 1200})

    assert processed.source.frames == 3


def test_a_damaged_later_frame_fails_animations_only(bench: Bench) -> None:
    source = bytearray(SOURCES["GIF"])
    descriptor = source.rindex(b",")
    colours = 3 << (source[descriptor + 9] & 7) + 1 if source[descriptor + 9] & 0x80 else 0
    source[descriptor + 10 + colours] = 0x40  # LZW codes of 64 bits

    still = bench.process(bytes(source), {})
    with pytest.raises(ItemFailure) as failure:
        bench.process(bytes(source), {"animated": True})

    assert still.notes == Note.FRAMES_UNUSED
    assert failure.value.reason == "CorruptImage"


def test_an_mpo_is_a_jpeg_of_one_frame(bench: Bench) -> None:
    first, second = photo((64, 48), 1), photo((64, 48), 2)
    source = encoded(first, "MPO", save_all=True, append_images=[second], quality=95)
    with Image.open(io.BytesIO(source)) as image:
        assert image.format == "MPO"

    processed = bench.process(source, {"format": "webp", "animated": True})

    assert (processed.source.format, processed.source.frames) == ("jpeg", 1)
    assert processed.notes == Note(0)
    assert getattr(opened(processed.outputs[0]), "n_frames", 1) == 1


def test_pages_of_a_tiff_are_no_animation(bench: Bench) -> None:
    first, *others = frames()
    source = encoded(first, "TIFF", save_all=True, append_images=others)

    processed = bench.process(source, {"format": "webp", "animated": True})

    assert processed.source.frames == 3
    assert len(shown(opened(processed.outputs[0]))) == 1
