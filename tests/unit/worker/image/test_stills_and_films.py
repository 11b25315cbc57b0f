"""An output shows the same, whatever else is made of its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from imagejob_worker.contract.facts import Note
from imagejob_worker.contract.failures import ItemFailure
from support.filming import apngs, gifs, reading, webps
from support.filming.film import Film, apart, composed, difference, seen, timeline
from support.pictures import Bench
from support.specimens import gif, png, webp

STILLS: list[dict[str, Any]] = [
    {"format": "png"},
    {"format": "jpeg", "animated": True, "background": "#808080"},
    {"format": "png", "width": 9, "height": 4, "fit": "cover", "gravity": "smart", "enlarge": True},
]
FILMS: list[dict[str, Any]] = [
    {"format": "png", "animated": True},
    {"format": "webp", "animated": True, "lossless": True},
    {
        "format": "png",
        "animated": True,
        "width": 5,
        "height": 9,
        "fit": "cover",
        "gravity": "smart",
    },
]
Maker = Callable[[Random], tuple[bytes, Film]]


def films(make: Maker, wanted: Callable[[Film], bool], count: int) -> list[tuple[bytes, Film]]:
    """The first so many films that are wanted."""
    found = (make(Random(seed)) for seed in range(1000))
    return [each for each, _ in zip((each for each in found if wanted(each[1])), range(count))]  # noqa: B905


SOURCES = [
    *films(apngs.make, lambda film: film.still is not None and len(film.frames) > 1, 6),
    *films(apngs.make, lambda film: film.still is None and len(film.frames) > 1, 2),
    *films(gifs.make, lambda film: len(film.frames) > 1, 3),
    *films(webps.make, lambda film: len(film.frames) > 1, 2),
]


def contents(bench: Bench, source: bytes, *outputs: dict[str, Any]) -> list[bytes]:
    made = bench.process(source, *outputs).outputs
    return [Path(each.path).read_bytes() for each in made]


@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_siblings_make_no_difference(bench: Bench, number: int) -> None:
    source, _ = SOURCES[number]
    alone = [contents(bench, source, output)[0] for output in (*STILLS, *FILMS)]

    for still, film in zip(STILLS, FILMS, strict=True):
        beside = contents(bench, source, still, film), contents(bench, source, film, still)

        one, other = alone[STILLS.index(still)], alone[len(STILLS) + FILMS.index(film)]
        assert beside == ([one, other], [other, one])


@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_a_still_shows_the_image_for_readers_without_animation(bench: Bench, number: int) -> None:
    source, film = SOURCES[number]

    (found,) = reading.read(contents(bench, source, {"format": "png"})[0]).frames

    first = seen(film.still) if film.still is not None else next(composed(film))
    assert difference(seen(found.pixels), first) <= 1


@pytest.mark.parametrize("number", range(5))
def test_a_single_frame_beside_a_still_image_is_the_animation(bench: Bench, number: int) -> None:
    wanted = films(apngs.make, lambda film: film.still is not None and len(film.frames) == 1, 5)
    source, film = wanted[number]
    assert film.still is not None

    still, moving = contents(bench, source, {"format": "png"}, {"format": "png", "animated": True})

    assert seen(reading.read(still).frames[0].pixels) == seen(film.still)
    assert difference(seen(reading.read(moving).frames[0].pixels), next(composed(film))) <= 1


@pytest.mark.parametrize("make", [gifs.make, apngs.make])
@pytest.mark.parametrize("number", range(3))
def test_a_single_frame_is_a_still(bench: Bench, make: Maker, number: int) -> None:
    wanted = films(make, lambda film: film.still is None and len(film.frames) == 1, 3)
    source, film = wanted[number]

    moving = reading.read(contents(bench, source, {"format": "png", "animated": True})[0])

    assert difference(seen(moving.frames[0].pixels), next(composed(film))) <= 1


def test_a_webp_whose_only_frame_is_small_is_transparent_beside_it(bench: Bench) -> None:
    """Whether or not its header says that it has transparency."""
    source, film = films(webps.make, lambda film: "alpha undeclared" in film.features, 1)[0]
    kinds = [*webp.chunks(source)]
    first = next(data for kind, data in kinds if kind == b"ANMF")
    body = [webp.chunk(kind, data) for kind, data in kinds if kind in (b"VP8X", b"ANIM")]

    (frame,) = reading.read(
        contents(bench, webp.assemble(*body, webp.chunk(b"ANMF", first)), {"format": "png"})[0]
    ).frames

    assert seen(frame.pixels) == next(composed(film))


def replaced(source: bytes, number: int, at: int, value: bytes) -> bytes:
    """The PNG file with bytes of its `number`th fcTL chunk replaced."""
    parts, seen_ = [], 0
    for kind, data in png.chunks(source):
        payload = data
        if kind == b"fcTL":
            payload = data[:at] + value + data[at + len(value) :] if seen_ == number else data
            seen_ += 1
        parts.append(png.chunk(kind, payload) if kind else data)
    return png.assemble(*parts)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, b"\0\0\0\x63"),  # out of sequence
        (4, b"\0\0\0\x63"),  # wider than the image
        (12, b"\0\0\0\x63"),  # beside it
        (8, bytes(3) + b"\xff"),  # higher
        (16, b"\xff\xff\xff\xff"),
    ],
)
def test_an_impossible_frame_fails_animations_only(bench: Bench, at: int, value: bytes) -> None:
    source = replaced(SOURCES[0][0], 1, at, value)

    (still,) = contents(bench, source, {"format": "png"})
    with pytest.raises(ItemFailure) as failure:
        bench.process(source, {"format": "png", "animated": True})

    assert [still] == contents(bench, SOURCES[0][0], {"format": "png"})
    message = "the frames from 2 on are missing or damaged"
    assert (failure.value.reason, failure.value.message) == ("CorruptImage", message)


CUT = {gifs.make: 3, apngs.make: 18, webps.make: 3}
"""So many bytes less, and the last frame isn't whole."""


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("make", CUT)
def test_frames_before_a_damaged_one_show_the_same(bench: Bench, make: Maker, number: int) -> None:
    source, film = films(make, lambda film: len(film.frames) > 2, 5)[number]
    asked = {"format": "png", "animated": True}

    processed = bench.process(source[: -CUT[make]], asked, limits={"damage": "Note"})
    found = reading.read(Path(processed.outputs[0].path).read_bytes())

    before = replace(film, frames=film.frames[:-1])
    assert apart(timeline(before), timeline(found)) <= (2 if film.blends else 0)
    assert Note.DAMAGED in processed.notes


def spoilt(source: bytes) -> bytes:
    """The file with other data of its last frame; its structure and checksums are right."""
    if source[:4] == b"RIFF":
        *before, (kind, last), _ = webp.chunks(source)
        bad = last[:30] + b"\xff" * (len(last) - 30)
        return webp.assemble(*(webp.chunk(*each) for each in (*before, (kind, bad))))
    if source[:3] == b"GIF":
        at = [at for at in gif.boundaries(source) if source[at] == ord(",")][-1]
        last = bytearray(source[at:])
        last[9] = 0  # no palette of its own
        return source[:at] + last[:10] + b"\x02" + gif.sub_blocks(b"\xff" * 40) + b";"
    parts = [(kind, data) for kind, data in png.chunks(source) if kind]
    number = max(number for number, (kind, _) in enumerate(parts) if kind == b"fdAT")
    parts[number] = b"fdAT", parts[number][1][:4] + b"\xff" * 40
    return png.assemble(*(png.chunk(*each) for each in parts))


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("make", CUT)
def test_a_frame_that_cannot_be_decoded_ends_the_film(
    bench: Bench, make: Maker, number: int
) -> None:
    source, film = films(make, lambda film: len(film.frames) > 2, 3)[number]
    asked = {"format": "png", "animated": True}

    with pytest.raises(ItemFailure) as failure:
        bench.process(spoilt(source), asked)
    processed = bench.process(spoilt(source), asked, limits={"damage": "Note"})
    found = reading.read(Path(processed.outputs[0].path).read_bytes())

    message = f"the frames from {len(film.frames)} on are missing or damaged"
    assert (failure.value.reason, failure.value.message) == ("CorruptImage", message)
    before = replace(film, frames=film.frames[:-1])
    assert apart(timeline(before), timeline(found)) <= (2 if film.blends else 0)
    assert processed.notes == Note.DAMAGED


def test_an_animation_that_is_announced_too_late_is_none(bench: Bench) -> None:
    source = SOURCES[0][0]
    parts = [(kind, data) for kind, data in png.chunks(source) if kind]
    control = next(each for each in parts if each[0] == b"acTL")
    parts.remove(control)
    parts.insert([kind for kind, _ in parts].index(b"IDAT") + 1, control)
    late = png.assemble(*(png.chunk(*each) for each in parts))

    processed = bench.process(late, {"format": "png", "animated": True})

    assert processed.source.frames == 1
    assert contents(bench, late, {"format": "png", "animated": True}) == contents(
        bench, source, {"format": "png"}
    )
