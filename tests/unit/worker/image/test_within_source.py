"""`auto` makes no file that is larger than a source that would do."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from imagejob_worker.image.steps.encode import encode
from PIL import Image
from support.corpus import KINDS, Made, corpus
from support.pictures import Bench, difference, encoded, opened, photo

PICTURES = list(corpus(1))


def picture(kind: str) -> Image.Image:
    return next(made.image for made in PICTURES if made.name == f"{kind}-0")


def written(made: Made) -> dict[str, bytes]:
    """The picture as files that others might have optimised."""
    image, opaque = made.image, made.image.convert("RGB")
    return {
        "PNG": encoded(image, "PNG", optimize=True),
        "black and white": encoded(opaque.convert("1"), "PNG", optimize=True),
        "16 colours": encoded(opaque.quantize(16), "PNG", optimize=True),
        "JPEG 30": encoded(opaque, "JPEG", quality=30, optimize=True),
        "JPEG 75, progressive": encoded(opaque, "JPEG", quality=75, progressive=True),
        "WebP 30": encoded(image, "WEBP", quality=30),
        "lossless WebP": encoded(image, "WEBP", lossless=True, quality=100, method=6),
        "24 x 24": encoded(image.crop((60, 60, 84, 84)), "PNG", optimize=True),
    }


@pytest.mark.parametrize("made", PICTURES, ids=list(KINDS))
def test_no_larger_than_the_source(bench: Bench, made: Made) -> None:
    small = made._replace(image=made.image.crop((0, 0, 96, 96)))

    for name, source in written(small).items():
        (output,) = bench.process(source, {}).outputs

        assert output.bytes <= len(source), name
        assert opened(output).size == Image.open(io.BytesIO(source)).size


@pytest.mark.parametrize("quality", [20, 45, 60, 75])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_written_as_it_was(bench: Bench, quality: int, progressive: bool) -> None:  # noqa: FBT001 (a table's column)
    source = encoded(
        photo((240, 160)), "JPEG", quality=quality, progressive=progressive, optimize=True
    )

    (made,) = bench.process(source, {}).outputs

    assert (made.format, made.bytes <= len(source)) == ("jpeg", True)
    assert difference(opened(made), Image.open(io.BytesIO(source))) < 2


def test_what_jpeg_cannot_say_again_is_webp(bench: Bench) -> None:
    """A WebP of low quality: no JPEG is as small."""
    source = encoded(photo((240, 160)), "WEBP", quality=20)

    (made,) = bench.process(source, {}).outputs

    assert (made.format, made.bytes <= len(source)) == ("webp", True)
    assert difference(opened(made), Image.open(io.BytesIO(source))) < 6


def test_animations_too(bench: Bench) -> None:
    frames = [photo((120, 80), seed) for seed in range(4)]
    source = encoded(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=90, quality=20
    )

    (made,) = bench.process(source, {"animated": True}).outputs

    assert made.bytes <= len(source)
    assert opened(made).n_frames == 4  # type: ignore[attr-defined]


LOWER = encoded(photo((240, 160)), "JPEG", quality=60, optimize=True)


@pytest.mark.parametrize(
    "asked",
    [
        {"format": "jpeg"},
        {"format": "webp", "quality": 95},
        {"width": 239},
        {"width": 240, "height": 100, "fit": "cover"},
        {"width": 300, "height": 200, "fit": "contain"},
        {"background": "#fff"},
    ],
    ids=str,
)
def test_where_the_source_would_not_do_the_quality_stays(
    bench: Bench, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    encodes: list[object] = []
    counted = "imagejob_worker.image.steps.keep_within_source.encode"
    monkeypatch.setattr(counted, lambda *given: encodes.append(given) or encode(*given))

    (made,) = bench.process(LOWER, asked).outputs

    assert made.bytes > len(LOWER)
    assert encodes == []


def test_within_max_bytes_as_well(bench: Bench) -> None:
    (made,) = bench.process(LOWER, {"maxBytes": 10 * len(LOWER)}).outputs

    assert made.bytes <= len(LOWER)
    assert Path(made.path).stat().st_size == made.bytes


def test_lossless_keeps_what_is_under_alpha_0(bench: Bench) -> None:
    for kind in ("photograph", "screenshot", "text", "logo", "gradient"):
        source = picture(kind).convert("RGBA")
        source.putalpha(Image.linear_gradient("L").resize(source.size).point([0] * 200 + [90] * 56))

        image = bench.picture(encoded(source, "PNG"), format="webp", lossless=True)

        assert image.convert("RGBA").tobytes() == source.tobytes(), kind
