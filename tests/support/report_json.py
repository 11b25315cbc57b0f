"""The golden reports in readable form: JSON with names where the report has numbers.

Written from docs/work-order.md, so that the numbers are stated again, independently of the worker.
"""

from __future__ import annotations

from typing import Any

FORMATS = ("unknown", "jpeg", "png", "webp", "avif", "gif", "tiff")
KINDS = ("exif", "gps", "xmp", "iptc", "icc", "comment", "text", "thumbnail", "trailing", "other")
NOTES = ("iccDropped", "framesUnused", "noLandlock", "noSeccomp")


def payload(entries: list[dict[str, Any] | None]) -> list[list[Any] | None]:
    """Readable entries as the plain arrays of MessagePack."""
    return [entry and _entry(**entry) for entry in entries]


def _entry(
    done: dict[str, Any] | None = None,
    failed: dict[str, Any] | None = None,
    read: dict[str, Any] | None = None,
    needs: dict[str, Any] | None = None,
) -> list[Any]:
    if done:
        return [
            1,
            _source(done["source"]),
            done["milliseconds"],
            _bits(done["removed"], KINDS),
            _bits(done["notes"], NOTES),
            [_output(output) for output in done["outputs"]],
        ]
    if read:
        return [3, _source(read["source"])]
    if needs:
        return [4, _source(needs["source"]), needs["memory"]]
    assert failed
    source = failed["source"] and _source(failed["source"])
    return [2, failed["reason"], failed["message"], failed["milliseconds"], source]


def _source(source: dict[str, Any]) -> list[Any]:
    format_, sha256 = FORMATS.index(source["format"]), bytes.fromhex(source["sha256"])
    return [format_, *(source[key] for key in ("width", "height", "frames", "bytes")), sha256]


def _output(output: dict[str, Any]) -> list[Any]:
    format_, sha256 = FORMATS.index(output["format"]), bytes.fromhex(output["sha256"])
    return [format_, *(output[key] for key in ("width", "height", "bytes")), sha256]


def _bits(names: list[str], of: tuple[str, ...]) -> int:
    return sum(1 << of.index(name) for name in names)
