"""How much memory an item takes: arithmetic on its header and its plans, with measured constants.

All are upper bounds of the address space that was taken, which hardly differs from the resident
set. docs/decisions/0050 has the measurements, and a test holds each kind of source and output to
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from imagejob_worker.image.geometry import area, turned
from imagejob_worker.image.plan import decoded_size, largest_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.contract.facts import MadeFormat
    from imagejob_worker.contract.order import Output, SourceFormat
    from imagejob_worker.image.geometry import Size
    from imagejob_worker.image.parsers.probe import Probe
    from imagejob_worker.image.plan import OutputPlan

MIB: Final = 1024 * 1024

BUFFERS: Final = 8 * MIB
"""For rows, tables and fragments."""

LOADED: Final = 16 * MIB
"""What a child has taken of its allowance when it has loaded its libraries and opened its files."""

PIXEL: Final = 4
"""Bytes of a pixel in an image, of whichever mode: RGB takes as many as RGBA."""

DECODERS: Final[dict[SourceFormat, tuple[int, int]]] = {
    "jpeg": (4, 4), "png": (8, 24), "webp": (16, 20), "avif": (28, 32), "gif": (16, 24),
    "tiff": (24, 24),
}  # fmt: skip
"""Bytes for a pixel of one frame until it is decoded, with the frame: of a still, and within an
animation, where the decoder stays and each frame is copied."""

PROFILE: Final = 7
"""Bytes for a byte of an ICC profile while littleCMS reads it: tables of 8 bits become 16. It does
so a second time for a background."""

KEYED_GREY: Final = 13
"""The same of a PNG of 16-bit grey with a transparent colour, which is compared byte by byte."""

ENCODERS: Final[dict[MadeFormat, int]] = {"jpeg": 10, "png": 1, "webp": 41, "avif": 34}
"""Bytes for a pixel of an output beside its image, at any of our settings but the one below: the
most that noise took, with transparency and without."""

AVIF_FULL_CHROMA: Final = 55
FULL_CHROMA_FROM: Final = 90
"""From this quality on, JPEG and AVIF keep colour at full resolution."""

USUAL_WEBP: Final = 22
USUAL_WEBP_QUALITY: Final = 80
"""Still, lossy WebP of opaque pixels takes less, up to the default quality: photographs of 24
megapixels then fit into the standard size."""

LOSSLESS_WEBP: Final = (420, 48 * MIB)
"""What lossless WebP takes in addition: bytes for a pixel, up to so many."""

MOVING: Final[dict[MadeFormat, int]] = {"png": 5, "webp": 10, "avif": 7}
"""Bytes for a pixel of every frame of an animated output that its encoder keeps."""

AVIF_MOVING: Final = 560
"""Bytes for a pixel that an AVIF animation takes in addition: its encoder looks ahead."""


class Source(NamedTuple):
    """What of a source decides how much memory it takes. `length` is the file's, in bytes."""

    format: SourceFormat
    probe: Probe
    draft_scale: int
    length: int

    @property
    def size(self) -> Size:
        """Width and height as decoded, before orientation."""
        return decoded_size(self.probe.stored, self.draft_scale)

    @property
    def may_be_transparent(self) -> bool:
        """Whether pixels may have alpha, for all that is known before they are decoded."""
        return self.format != "jpeg"


def needed(source: Source, plans: Sequence[OutputPlan]) -> int:
    """Return the bytes that all outputs take, on top of what a child has taken when it starts."""
    stills = [plan for plan in plans if not plan.animated]
    moving = [plan for plan in plans if plan.animated]
    decoding = _decoding(source, animated=bool(moving))
    held = decoding if moving else PIXEL * area(source.size)
    peak = max(decoding, held + _stills(source, stills), held + _moving(source, moving))
    # Most decoders read the whole file into memory, of a JPEG only where damage is looked for.
    both_ways = 1 + any(plan.output.background is not None for plan in plans)
    profile = PROFILE * source.probe.profile_length * both_ways
    return BUFFERS + peak + source.length + profile


def _decoding(source: Source, *, animated: bool) -> int:
    each = DECODERS[source.format][animated]
    if source.probe.deep and isinstance(source.probe.clear, int):
        each = max(each, KEYED_GREY)
    return each * area(source.size) + source.probe.held


def _stills(source: Source, plans: Sequence[OutputPlan]) -> int:
    """One output after the other; those that later ones start from are kept, and the one before."""
    ordered = largest_first(source.probe.displayed, plans)
    peak = 0
    for at, plan in enumerate(ordered):
        needed_later = {later.parent for later in ordered[at:]}
        kept = sum(
            PIXEL * area(earlier.placement.size)
            for earlier in ordered[:at]
            if earlier.index in needed_later or earlier is ordered[at - 1]
        )
        work = max(_reducing(source, plan), _drawing(source, plan) + _encoding(source, plan))
        peak = max(peak, kept + work)
    return peak


def _moving(source: Source, plans: Sequence[OutputPlan]) -> int:
    """All frames of all outputs are reduced before the first output is encoded."""
    frames = source.probe.frames
    reduced = sum(PIXEL * area(plan.placement.size) * frames for plan in plans)
    peak = max((_reducing(source, plan) for plan in plans), default=0)
    for plan in plans:
        name = assumed_format(plan, source.format)
        each = _drawing(source, plan) + MOVING[name] * area(plan.placement.canvas)
        ahead = AVIF_MOVING * area(plan.placement.canvas) if name == "avif" else 0
        peak = max(peak, each * frames + ahead + _encoding(source, plan))
    return reduced + peak


def _reducing(source: Source, plan: OutputPlan) -> int:
    """To resize, and to convert colours: from the source, though it may start from less."""
    width, height = turned(plan.placement.size, source.probe.orientation)
    made, halved = width * height, area(source.size) // 2
    # Pillow resizes across first; it averages blocks of rows before where there are many of them.
    rows = min(source.size[1], 4 * height)
    resized = halved + width * rows + made
    converted = made
    if source.may_be_transparent:
        resized += area(source.size) + made  # colours multiplied by alpha, and divided again
        converted += 2 * made
    return PIXEL * (made + max(resized, converted))


def _drawing(source: Source, plan: OutputPlan) -> int:
    """The output's image, and copies of it: upright, on its canvas, without its alpha."""
    placement, background = plan.placement, plan.output.background
    images = 1 + (source.probe.orientation > 1)
    canvases = 2 * placement.padded + (background is not None) + source.may_be_transparent
    return PIXEL * (images * area(placement.size) + canvases * area(placement.canvas))


def _encoding(source: Source, plan: OutputPlan) -> int:
    name = assumed_format(plan, source.format)
    opaque = not (source.may_be_transparent or plan.placement.padded or plan.animated)
    return encoding(plan.output, name, area(plan.placement.canvas), opaque=opaque)


def encoding(output: Output, name: MadeFormat, pixels: int, *, opaque: bool) -> int:
    """Return the bytes that an encoder of this format takes beside the image."""
    if name == "avif" and (output.lossless or (output.quality or 0) >= FULL_CHROMA_FROM):
        return pixels * AVIF_FULL_CHROMA
    may_be_lossless = name == "webp" and (output.lossless or output.format == "auto")
    quality = output.quality or USUAL_WEBP_QUALITY
    if name == "webp" and opaque and not may_be_lossless and quality <= USUAL_WEBP_QUALITY:
        return pixels * USUAL_WEBP
    each, most = LOSSLESS_WEBP
    return pixels * ENCODERS[name] + (min(each * pixels, most) if may_be_lossless else 0)


def assumed_format(plan: OutputPlan, source: SourceFormat) -> MadeFormat:
    """Return the format that `auto` most likely means, as far as can be told from the header.

    If it turns out to mean one that takes more, that is checked again before the encoder starts.
    """
    if plan.output.format != "auto":
        return plan.output.format
    return "jpeg" if source == "jpeg" and not plan.output.lossless else "webp"
