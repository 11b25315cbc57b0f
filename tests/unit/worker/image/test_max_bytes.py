"""Outputs within their maxBytes, in at most six encodes."""

from __future__ import annotations

from math import exp
from pathlib import Path

import pytest
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.steps import shrink
from support.pictures import Bench, encoded, opened, photo

PHOTO = encoded(photo((480, 320)), "JPEG", quality=95)


class Encoder:
    """Lengths by a formula; records the requested qualities."""

    def __init__(self, scale: float = 1000, rise: float = 0.03) -> None:
        self.tried: list[int] = []
        self.scale, self.rise = scale, rise

    def __call__(self, quality: int) -> int:
        self.tried.append(quality)
        return self.length(quality)

    def length(self, quality: int) -> int:
        return round(self.scale * exp(self.rise * quality))


def test_what_fits_is_encoded_once() -> None:
    encode = Encoder()

    fitted = shrink.fit("o", encode.length(80), 80, 10, encode)

    assert fitted == shrink.Fitted(80, encode.length(80))
    assert encode.tried == [80]


@pytest.mark.parametrize("rise", [0.005, 0.03, 0.08])
@pytest.mark.parametrize("best", [10, 11, 25, 40, 60, 78, 79])
def test_finds_close_to_the_best_in_six(best: int, rise: float) -> None:
    encode = Encoder(rise=rise)
    limit = encode.length(best)

    fitted = shrink.fit("o", limit, 80, 10, encode)

    assert len(encode.tried) <= 6
    assert fitted.bytes <= limit
    assert fitted.quality >= best - 3 or fitted.bytes >= 0.95 * limit
    assert fitted.bytes == encode.length(fitted.quality)
    assert fitted.quality == [each for each in encode.tried if encode.length(each) <= limit][-1]


def test_gives_up_after_the_lowest() -> None:
    encode = Encoder()

    with pytest.raises(ItemFailure) as failure:
        shrink.fit("thumb", 1200, 80, 10, encode)

    assert failure.value.reason == "TooLarge"
    assert failure.value.message == ("output thumb takes at least 1,350 bytes; its limit is 1,200")
    assert encode.tried == [80, 10]


def test_does_not_go_above_a_quality_below_the_lowest() -> None:
    encode = Encoder()

    with pytest.raises(ItemFailure, match="1,162 bytes"):
        shrink.fit("o", 1000, 5, 10, encode)

    assert encode.tried == [5]


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif"])
def test_real_encoders(bench: Bench, name: str) -> None:
    free, tight = bench.process(PHOTO, {"format": name}, {"format": name, "quality": 40}).outputs
    limit = (free.bytes + tight.bytes) // 2

    (made,) = bench.process(PHOTO, {"format": name, "maxBytes": limit}).outputs

    assert 0.8 * limit < made.bytes <= limit
    assert opened(made).size == (480, 320)


def test_leaves_the_best_and_an_empty_file(bench: Bench) -> None:
    (made,) = bench.process(PHOTO, {"format": "jpeg", "maxBytes": 12_000}).outputs

    sizes = {str(path): path.stat().st_size for path in bench.folder.iterdir()}
    assert sizes.pop(made.path) == made.bytes
    assert list(sizes.values()) == [0]


def test_lossless_that_is_too_large_fails(bench: Bench) -> None:
    with pytest.raises(ItemFailure, match=r"output thumb takes at least [0-9,]+ bytes") as failure:
        bench.process(PHOTO, {"name": "thumb", "format": "png", "maxBytes": 5_000})

    assert failure.value.reason == "TooLarge"


def test_auto_gives_up_lossless_rather_than_fail(bench: Bench) -> None:
    source = encoded(photo((240, 160)).quantize(16), "PNG")
    (lossless,) = bench.process(source, {}).outputs

    (made,) = bench.process(source, {"maxBytes": lossless.bytes // 4}).outputs

    assert made.bytes <= lossless.bytes // 4
    assert Path(made.path).read_bytes()[12:16] == b"VP8 "
