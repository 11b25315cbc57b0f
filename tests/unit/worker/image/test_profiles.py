"""ICC profiles of up to 4 MiB are used, and none takes long or much, whatever it says."""

from __future__ import annotations

import itertools
import time

import pytest
from imagejob_worker.contract.facts import Note
from imagejob_worker.contract.failures import ItemFailure, NeedsMemory
from imagejob_worker.image.files import Files
from PIL import Image
from support.pictures import Bench, distance, encoded, opened, pixel
from support.specimens import colour, coloured, hostile_profiles, icc, jpeg, png, spaces, tiff

MIB = 1024 * 1024
SECONDS = 1.0
"""Of CPU time; honest profiles take 2 to 100 ms."""

INKS = {
    ink: (0.0, 0.0, 0.0)
    if ink[3]
    else (90.0 - 20 * sum(ink), 40.0 * ink[1] - 30 * ink[0], 50.0 * ink[2] - 20 * ink[0])
    for ink in itertools.product((0, 1), repeat=4)
}
GREEN = (1, 0, 1, 0)


def press(size: int) -> bytes:
    """A press's profile of exactly so many bytes."""
    small = icc.cmyk(INKS, {b"huge": b"data" + bytes(12)})
    return icc.cmyk(INKS, {b"huge": b"data" + bytes(12 + size - len(small))})


@pytest.mark.parametrize("size", [100_000, MIB, MIB + 4, 1_835_008, 3 * MIB, 4 * MIB - 4, 4 * MIB])
@pytest.mark.parametrize("encode", [jpeg.encode, tiff.encode], ids=["jpeg", "tiff"])
def test_a_press_has_up_to_4_mib(bench: Bench, encode: object, size: int) -> None:
    picture = Image.new("CMYK", (32, 32), tuple(255 * ink for ink in GREEN))
    profile = press(size)
    assert len(profile) == size
    named = {"icc_profile" if encode is jpeg.encode else "profile": profile}

    processed = bench.process(encode(picture, **named), {"format": "png"})  # type: ignore[operator]

    found = pixel(opened(processed.outputs[0]), (16, 16))
    assert processed.notes == Note(0)
    assert distance(found, colour.from_lab(INKS[GREEN])) <= 3


def test_a_larger_one_is_dropped_with_a_note(bench: Bench) -> None:
    picture = Image.new("CMYK", (32, 32), tuple(255 * ink for ink in GREEN))

    processed = bench.process(
        jpeg.encode(picture, icc_profile=press(4 * MIB + 4)), {"format": "png"}
    )

    assert processed.notes == Note.ICC_DROPPED
    assert distance(pixel(opened(processed.outputs[0]), (16, 16)), (0, 255, 0)) <= 3


def test_too_little_memory_for_a_profile_is_no_fault_of_the_profile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = Image.new("CMYK", (32, 32))
    source = jpeg.encode(picture, icc_profile=press(4 * MIB))
    left = itertools.chain([64 * MIB], itertools.repeat(20 * MIB))
    monkeypatch.setattr(Files, "free_address_space", lambda _: next(left))

    with pytest.raises(ItemFailure) as failure:
        bench.process(source, {"format": "png"})

    assert failure.value.reason == "OutOfMemory"


def test_memory_for_a_profile_is_asked_for_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = Image.new("CMYK", (32, 32))
    monkeypatch.setattr(Files, "free_address_space", lambda _: 24 * MIB)
    bench.process(jpeg.encode(picture, icc_profile=press(MIB)), {"format": "png"})

    with pytest.raises(NeedsMemory) as needs:
        bench.process(jpeg.encode(picture, icc_profile=press(4 * MIB)), {"format": "png"})

    assert needs.value.memory > 24 * MIB


HOSTILE = dict(hostile_profiles.every())


@pytest.mark.parametrize("profile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_no_profile_takes_long(bench: Bench, profile: bytes, name: str) -> None:
    source = encoded(coloured.patches(), name, icc_profile=profile)
    started = time.process_time()

    processed = bench.process(source, {"format": "png"})

    assert time.process_time() - started < SECONDS
    assert processed.notes in (Note(0), Note.ICC_DROPPED)


@pytest.mark.parametrize("tag", [b"D2B0", b"D2B1", b"D2B2", b"D2B3"])
def test_colours_come_from_what_every_reader_knows(bench: Bench, tag: bytes) -> None:
    """Such a tag comes beside another transform, and browsers use that."""
    swapped = hostile_profiles.elements([hostile_profiles.curves(2)])
    profile = hostile_profiles.display({tag: swapped})
    source = png.encode(coloured.patches(), icc_profile=profile)

    found = coloured.middles(bench.picture(source))

    expected = [spaces.DISPLAY_P3.shown(rgb) for rgb in coloured.PATCHES]
    assert max(distance(*pair) for pair in zip(found, expected, strict=True)) <= 2


def test_a_profile_that_is_kept_is_kept_whole(bench: Bench) -> None:
    swapped = hostile_profiles.elements([hostile_profiles.curves(2)])
    profile = hostile_profiles.display({b"D2B0": swapped})
    source = png.encode(coloured.patches(), icc_profile=profile)

    processed = bench.process(source, {"format": "png"}, metadata={"keep": ["icc"]})

    assert opened(processed.outputs[0]).info["icc_profile"] == profile
