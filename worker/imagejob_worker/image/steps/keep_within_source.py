"""Step: `auto` makes no file that is larger than the source, where the source would do.

It would do if it is of a format that `auto` may choose, and the output shows all of it at its size.
Its bytes are never handed out. Other ways to write the pixels are tried, until one is no larger:

1. lossless WebP with the most effort, if the source is lossless
2. JPEG with the quantisation of the source, if that is a JPEG: it adds next to no loss
3. WebP of lower quality

If none is, the smallest is kept. Few outputs get here: most photographs come with a higher quality
than the default, and what is drawn is smaller as lossless WebP than as PNG.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_worker.image.loading import AUTOMATIC
from imagejob_worker.image.steps import shrink
from imagejob_worker.image.steps.choose_format import MAX_SIDES, Choice
from imagejob_worker.image.steps.encode import QUALITY, encode
from imagejob_worker.image.steps.encode_output import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.image.context import OutputContext

CLOSE_ENOUGH = 0.85
"""Of the source's bytes, where the search ends."""

LOWEST = 1
"""Of WebP's qualities: the source, which takes no more bytes, looks like that, too."""


def keep_within_source(output: OutputContext) -> None:
    """Write the output's file anew, if it is larger than a source that would do."""
    limit = output.source.files.length
    if output.made.bytes <= limit or not _source_would_do(output):
        return
    quality = output.plan.output.quality or QUALITY["webp"]
    tried = [(output.made.bytes, output.choice, quality)]

    def attempt(choice: Choice, quality: int) -> int:
        length = encode(output, choice, quality, output.file)
        tried.append((length, choice, quality))
        return length

    fits = any(attempt(choice, quality) <= limit for choice in _alternatives(output))
    if not fits and _webp_holds(output):
        shrink.search(
            limit, quality, LOWEST, lambda lower: attempt(Choice("webp"), lower), CLOSE_ENOUGH
        )
    within = [each for each in tried if each[0] <= limit]
    best = within[-1] if within else min(tried, key=lambda each: each[0])
    if best is not tried[-1]:
        encode(output, best[1], best[2], output.file)
    output.choice = best[1]
    output.made = describe(output)


def _source_would_do(output: OutputContext) -> bool:
    source, asked, placement = output.source, output.plan.output, output.plan.placement
    whole = (0.0, 0.0, *map(float, source.probe.displayed))
    return (
        asked.format == "auto"
        and not asked.lossless
        and asked.background is None
        and source.format in AUTOMATIC
        and (output.animation is not None) == (source.probe.frames > 1)
        and placement.box == whole
        and placement.size == placement.canvas == source.probe.displayed
    )


def _alternatives(output: OutputContext) -> Iterator[Choice]:
    source = output.source
    if source.probe.lossless and _webp_holds(output):
        yield Choice("webp", lossless=True, optional=True, thorough=True)
    if source.jpeg_settings is not None:
        yield Choice("jpeg", like_source=source.jpeg_settings)


def _webp_holds(output: OutputContext) -> bool:
    """WebP's sides are short, and it has no grey that a profile for grey could describe."""
    return max(output.plan.placement.canvas) <= MAX_SIDES["webp"] and not output.has_grey_profile
