"""What an upload is, by its bytes and by what it is declared to be."""

from __future__ import annotations

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.uploads.formats import HEAD_BYTES, MEDIA_TYPES, check, sniff
from support.tenant import picture

ACCEPTED = ("jpeg", "png", "webp")
KINDS = {
    "jpeg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "gif": "GIF",
    "tiff": "TIFF",
    "avif": "AVIF",
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_each_format_is_known_by_its_first_bytes(name: str, kind: str) -> None:
    assert sniff(picture(kind=kind)[:HEAD_BYTES]) == name


NONE = {
    "nothing": b"",
    "text": b"GIF, or so it says",
    "HTML": b"<!doctype html><script>",
    "SVG": b"<svg xmlns=",
    "PDF": b"%PDF-1.7",
    "RIFF that is no WebP": b"RIFF\0\0\0\0WAVE",
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "half of a PNG's": b"\x89PNG",
}


@pytest.mark.parametrize("head", NONE.values(), ids=NONE)
def test_anything_else_is_no_image(head: bytes) -> None:
    assert sniff(head) is None


@pytest.mark.parametrize(
    "declared", ["image/jpeg", "IMAGE/JPG; q=1", "", "application/octet-stream"]
)
def test_what_is_declared_fits_or_says_nothing(declared: str) -> None:
    assert check(picture()[:HEAD_BYTES], declared, ACCEPTED) == "jpeg"


REFUSED = {
    "a PNG as a JPEG": ("PNG", "image/jpeg", "is png, but declared as image/jpeg"),
    "a form's default": ("JPEG", "application/x-www-form-urlencoded", "x-www-form-urlencoded"),
    "a format that isn't accepted": ("GIF", "image/gif", "'image/gif' isn't accepted"),
    "the same, undeclared": ("GIF", "", "is gif, which isn't accepted"),
    "markup": ("JPEG", "image/svg+xml", "svg"),
}


@pytest.mark.parametrize(("kind", "declared", "words"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_in_words(kind: str, declared: str, words: str) -> None:
    with pytest.raises(ProblemError) as raised:
        check(picture(kind=kind)[:HEAD_BYTES], declared, ACCEPTED)

    assert raised.value.problem.reason == ProblemReason.UNSUPPORTED_FORMAT
    assert words in raised.value.problem.detail


def test_every_format_has_a_media_type() -> None:
    assert set(MEDIA_TYPES.values()) == set(KINDS)
