"""The format of a file, from its first bytes."""

from __future__ import annotations

import pytest
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.steps import identify
from support.pictures import Bench, encoded, quarters


def ftyp(brand: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + brand + bytes(4) + b"".join(compatible)
    return (len(body) + 4).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"II*\0\x08\0\0\0\x01\0", "tiff"),
        (b"MM\0*\0\0\0\x08\0\x01", "tiff"),
        (ftyp(b"avif", b"mif1"), "avif"),
        (ftyp(b"mif1", b"avif"), "avif"),
        (ftyp(b"msf1", b"avis"), "avif"),
        (ftyp(b"heic", b"mif1"), "HEIC"),
        (ftyp(b"mif1", b"heic"), "HEIC"),
        (ftyp(b"mif1", b"miaf"), "HEIF"),
        (ftyp(b"crx ", b"isom"), "camera RAW (CR3)"),
        (ftyp(b"qt  "), "QuickTime video"),
        (ftyp(b"isom", b"mp42"), "MP4 video"),
        (b"8BPS\0\x01", "Photoshop (PSD)"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"\xff\x0a\xfa", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "BMP"),
        (b"\0\0\x01\0\x01\0", "ICO"),
        (b"II*\0\x10\0\0\0CR\x02\0", "camera RAW (CR2)"),
        (b"FUJIFILMCCD-RAW ", "camera RAW (RAF)"),
        (b"II+\0\x08\0\0\0", "BigTIFF"),
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"\x1a\x45\xdf\xa3", "Matroska or WebM video"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI video"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\xef\xbb\xbf<svg/>", "SVG"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"P6\n2 2\n255\n", "PNM"),
        (b"BMI is a number", "plain text"),
        ("gr\u00fc\u00dfe".encode(), "plain text"),
        (b"\x93\x01\x7f\x00\x12", ""),
        (b"RIFF\0\0\0\0ABCD", ""),
        (b"   \n", ""),
    ],
)
def test_names_what_it_knows(head: bytes, expected: str) -> None:
    assert identify.sniff(head) == expected


def test_text_cut_inside_a_letter_is_still_text() -> None:
    text = ("x" * (identify.HEAD_BYTES - 1) + "\u00e9").encode()[: identify.HEAD_BYTES]

    assert identify.sniff(text) == "plain text"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (ftyp(b"heic"), "the source is HEIC, which is not supported (jpeg, png are)"),
        (b"hello, world", "the source is plain text, which is not supported (jpeg, png are)"),
        (b"", "the source is empty"),
        (
            encoded(quarters(), "GIF"),
            "the source is GIF, which this platform does not allow (it allows jpeg, png)",
        ),
        (
            b"\x93\x01\x7f\x00\x12",
            "the source is not an image of a known format (jpeg, png are supported)",
        ),
    ],
)
def test_refuses_what_is_not_allowed(bench: Bench, source: bytes, message: str) -> None:
    with pytest.raises(ItemFailure) as failure:
        bench.process(source, {}, formats=("jpeg", "png"))

    assert (failure.value.reason, failure.value.message) == ("UnsupportedFormat", message)
    assert failure.value.source is None
