"""What cameras, phones and editors write into files beside the image. All of it is invented."""

from __future__ import annotations

import struct

from PIL import Image, PngImagePlugin

ORIENTATION = 0x0112
CAMERA, PLACE = 0x8769, 0x8825
"""The tags of EXIF's own directories."""


def exif(*, orientation: int = 1, place: tuple[float, float] | None = None) -> Image.Exif:
    """A phone's EXIF: make, time, serial number, owner; with `place`, latitude and longitude."""
    block = Image.Exif()
    block[0x010F] = "Nimbus"
    block[0x0110] = "Nimbus 9 Pro"
    block[0x0131] = "NimbusOS 19.2"
    block[ORIENTATION] = orientation
    camera = block.get_ifd(CAMERA)
    camera[0x9003] = "2026:06:21 21:47:09"
    camera[0x829A] = 1 / 60
    camera[0x8827] = 320
    camera[0xA430] = "Robin Example"
    camera[0xA431] = "NB9-004-77125"
    if place:
        block.get_ifd(PLACE).update(_position(*place))
    return block


def _position(latitude: float, longitude: float) -> dict[int, object]:
    return {
        1: "N" if latitude >= 0 else "S",
        2: _sexagesimal(abs(latitude)),
        3: "E" if longitude >= 0 else "W",
        4: _sexagesimal(abs(longitude)),
        29: "2026:06:21",
    }


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes = degrees % 1 * 60
    return float(int(degrees)), float(int(minutes)), round(minutes % 1 * 60, 2)


def xmp(title: str) -> bytes:
    """An editor's packet, with the author's name and the edits."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Lightbox 7.1" xmp:Rating="4">
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
   <dc:creator><rdf:Seq><rdf:li>Robin Example</rdf:li></rdf:Seq></dc:creator>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()


def iptc_segment(caption: str) -> bytes:
    """A JPEG's APP13 as press agencies write it: caption and byline (IIM 4.2)."""
    datasets = _dataset(80, b"Robin Example") + _dataset(120, caption.encode())
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(datasets)) + datasets
    payload = b"Photoshop 3.0\0" + resource + bytes(len(datasets) % 2)
    return b"\xff\xed" + struct.pack(">H", len(payload) + 2) + payload


def _dataset(number: int, text: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, 2, number, len(text)) + text


def png_text(*, with_xmp: str = "", **texts: str) -> PngImagePlugin.PngInfo:
    """PNG's text chunks, and XMP in the one that is its place."""
    chunks = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        chunks.add_text(key, value)
    if with_xmp:
        chunks.add_itxt("XML:com.adobe.xmp", xmp(with_xmp).decode())
    return chunks
