"""Recognisable text for every place where a file can carry metadata.

Each text starts with `MARK`, so one search over an output's bytes finds whichever leaked.
"""

from __future__ import annotations

import io
import zipfile

MARK = "LEAK~"


def mark(place: str) -> bytes:
    """The text that stands at `place`."""
    return f"{MARK}{place}".encode("ascii")


def leaks(data: bytes) -> list[bytes]:
    """The marks in `data`, in ASCII or UTF-16, each with what follows it."""
    found = []
    for encoding in ("ascii", "utf-16-le", "utf-16-be"):
        needle = MARK.encode(encoding)
        start = data.find(needle)
        while start >= 0:
            found.append(data[start : start + 48])
            start = data.find(needle, start + 1)
    return found


def xmp(place: str = "xmp") -> bytes:
    """An XMP packet with a creator, a place and a face region."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="52,30.5N">'
        f"<dc:creator><rdf:Seq><rdf:li>{mark(place).decode()}</rdf:li></rdf:Seq></dc:creator>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()


def iptc(place: str = "iptc") -> bytes:
    """IPTC-IIM records: byline, city, caption."""

    def dataset(number: int, value: bytes) -> bytes:
        return bytes((0x1C, 2, number)) + len(value).to_bytes(2, "big") + value

    return (
        dataset(80, mark(place))
        + dataset(90, mark(f"{place}-city"))
        + dataset(120, mark(f"{place}-caption"))
    )


def photoshop(place: str = "iptc", thumbnail: bytes = b"") -> bytes:
    """Photoshop image resources: IPTC (0x0404) and, if given, a JPEG thumbnail (0x040C)."""

    def resource(number: int, value: bytes) -> bytes:
        header = b"8BIM" + number.to_bytes(2, "big") + b"\0\0" + len(value).to_bytes(4, "big")
        return header + value + b"\0" * (len(value) % 2)

    resources = resource(0x0404, iptc(place)) + resource(0x040A, mark("photoshop-copyright"))
    if thumbnail:
        header = b"".join(n.to_bytes(4, "big") for n in (1, 16, 16, 48, 768, len(thumbnail)))
        resources += resource(0x040C, header + b"\0\x18\0\x01" + thumbnail)
    return resources


def zip_archive(place: str = "zip") -> bytes:
    """A ZIP that any unpacker opens, wherever it begins in a file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo(f"{mark(place).decode()}.txt", (2026, 1, 1, 0, 0, 0))
        archive.writestr(member, mark(f"{place}-content"))
    return buffer.getvalue()
