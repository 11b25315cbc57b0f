"""Whatever way a source says its colours, they come out as sRGB: measured, against arithmetic."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from imagejob_worker.contract.facts import Note
from PIL import Image, ImageCms
from support.pictures import Bench, distance, encoded, opened
from support.specimens import coloured, coloured_others, icc, png, presses, spaces, webp
from support.specimens.coloured import Coloured

TOLERANCE = 2
"""Of 255: rounding once from 8 bits to 8 bits, and once within littleCMS."""


@pytest.mark.parametrize(
    "kind",
    [*coloured_others.KINDS, presses.rgb_and_grey, presses.grey_in_rgb],
    ids=lambda kind: kind.__name__,
)
def test_stated_colours_come_out_as_srgb(
    bench: Bench, kind: Callable[[], Iterator[Coloured]]
) -> None:
    cases = list(kind())

    wrong = [(case.name, *found) for case in cases if (found := off(bench, case))]

    assert len(cases) >= 5
    assert wrong == []


def off(bench: Bench, case: Coloured) -> list[object]:
    """What is wrong with the outcome: colours as (stored, found, expected), and the notes."""
    processed = bench.process(case.data, {"format": "png"})
    found = coloured.middles(opened(processed.outputs[0]))
    expected = [case.space.shown(rgb) for rgb in case.stored]
    far = [
        patch
        for patch in zip(case.stored, found, expected, strict=True)
        if distance(patch[1], patch[2]) > TOLERANCE
    ]
    return [*far, *([processed.notes] if processed.notes != Note(case.notes) else [])]


@pytest.mark.parametrize("made", ["jpeg", "png", "webp", "avif"])
@pytest.mark.parametrize(
    ("chunk", "space"), [rung[1:] for rung in coloured.LADDER if rung[0] != "sRGB"]
)
def test_colours_to_be_kept_get_a_profile_that_states_them(
    bench: Bench, chunk: bytes, space: spaces.Space, made: str
) -> None:
    output = {"format": made, "quality": 100, "lossless": made != "jpeg"}
    processed = bench.process(coloured.png_of(chunk), output, metadata={"keep": ["icc"]})

    image = opened(processed.outputs[0])
    kept = coloured.middles(image)
    furthest = max(distance(*pair) for pair in zip(kept, coloured.PATCHES, strict=True))
    shown = coloured.middles(
        ImageCms.profileToProfile(
            image.convert("RGB"),
            io.BytesIO(image.info["icc_profile"]),
            ImageCms.createProfile("sRGB"),
        )
    )
    expected = [space.shown(rgb) for rgb in kept]
    assert furthest <= (0 if made in ("png", "webp") else 3)
    assert max(distance(*pair) for pair in zip(shown, expected, strict=True)) <= TOLERANCE


def test_grey_that_is_kept_gets_a_profile_for_grey(bench: Bench) -> None:
    source = coloured.png_of(coloured.gama(1.0), mode="L")

    processed = bench.process(source, {"format": "png"}, metadata={"keep": ["icc"]})

    image = opened(processed.outputs[0])
    assert image.mode == "L"
    assert coloured.middles(image) == coloured.middles(coloured.patches("L"))
    assert image.info["icc_profile"][16:20] == b"GRAY"


def test_a_made_profile_has_what_a_display_profile_must_have(bench: Bench) -> None:
    source = coloured.png_of(coloured.cicp(12, 13))

    processed = bench.process(source, {"format": "png"}, metadata={"keep": ["icc"]})

    profile = opened(processed.outputs[0]).info["icc_profile"]
    start, count = 132, int.from_bytes(profile[128:132], "big")
    tags = {profile[at : at + 4] for at in range(start, start + 12 * count, 12)}
    curves = {letter + kind for letter in (b"r", b"g", b"b") for kind in (b"XYZ", b"TRC")}
    assert tags == {b"desc", b"cprt", b"wtpt", b"chad", *curves}
    assert int.from_bytes(profile[:4], "big") == len(profile)


@pytest.mark.parametrize("alpha", [1, 60, 128, 200, 254])
def test_transparency_stays_beside_stated_colours(bench: Bench, alpha: int) -> None:
    picture = coloured.patches()
    picture.putalpha(alpha)
    source = png.with_chunks(png.encode(picture), coloured.cicp(12, 13))

    image = bench.picture(source)

    shown = coloured.middles(image)
    expected = [spaces.DISPLAY_P3.shown(rgb) for rgb in coloured.PATCHES]
    assert image.getchannel("A").getextrema() == (alpha, alpha)
    assert max(distance(*pair) for pair in zip(shown, expected, strict=True)) <= TOLERANCE


P3_BOX = b"nclx\0\x0c\0\x0d"
FILMS: dict[str, tuple[dict[str, Any], Callable[[bytes], bytes]]] = {
    "PNG": ({}, lambda data: png.with_chunks(data, coloured.cicp(12, 13))),
    "WEBP": ({"lossless": True, "icc_profile": icc.display_p3()}, lambda data: data),
    "AVIF": (
        {"quality": 100, "subsampling": "4:4:4"},
        lambda data: data.replace(b"nclx\0\1\0\x0d", P3_BOX),
    ),
}


@pytest.mark.parametrize("name", FILMS)
def test_every_frame_of_an_animation_is_converted(bench: Bench, name: str) -> None:
    turned = coloured.patches().transpose(Image.Transpose.ROTATE_180)
    options = {"save_all": True, "append_images": [turned], "duration": 100}
    encoded_by, stating = FILMS[name]
    source = stating(encoded(coloured.patches(), name, **options, **encoded_by))

    (made,) = bench.process(source, {"format": "webp", "lossless": True, "animated": True}).outputs

    image = opened(made)
    expected = [spaces.DISPLAY_P3.shown(rgb) for rgb in coloured.PATCHES]
    for number, wanted in enumerate((expected, expected[::-1])):
        image.seek(number)
        pairs = zip(coloured.middles(image), wanted, strict=True)
        assert max(distance(*pair) for pair in pairs) <= 3


def test_the_track_says_what_colours_an_animation_has(bench: Bench) -> None:
    turned = coloured.patches().transpose(Image.Transpose.ROTATE_180)
    lossless = {"quality": 100, "subsampling": "4:4:4"}
    data = encoded(coloured.patches(), "AVIF", save_all=True, append_images=[turned], **lossless)
    item, track = data.index(b"nclx"), data.rindex(b"nclx")
    data = data[:track] + P3_BOX + data[track + 8 :]

    image = bench.picture(data)

    expected = [spaces.DISPLAY_P3.shown(rgb) for rgb in coloured.stored(data)]
    assert item < track
    assert max(distance(*pair) for pair in zip(coloured.middles(image), expected, strict=True)) <= 3


def test_the_first_of_two_profiles_counts(bench: Bench) -> None:
    profiles = [webp.chunk(b"ICCP", profile) for profile in (icc.display_p3(), icc.adobe_rgb())]
    source = webp.extended(coloured.patches(), webp.ICC_FLAG, before=tuple(profiles))

    found = coloured.middles(bench.picture(source))

    expected = [spaces.DISPLAY_P3.shown(rgb) for rgb in coloured.PATCHES]
    assert max(distance(*pair) for pair in zip(found, expected, strict=True)) <= TOLERANCE
