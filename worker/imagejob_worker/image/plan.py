"""Which output to derive from which, and at which scale to decode: decided from sizes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.order import Output
from imagejob_worker.image.geometry import Placement, Size, area, place

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAFT_SCALES = (8, 4, 2)
"""The scales at which libjpeg decodes by computing fewer coefficients of each block."""

DRAFT_MARGIN = 1.5
"""How many decoded pixels an output pixel must have at least, along each side, to use a scale.

Measured on fine lines, 24 MP to 400..740 px, as the root mean square difference to Lanczos alone:
at 1.9 1.4 of 255, at 1.5 2.1, at 1.25 3.0, at 1.0 4.4; libvips comes to 2.7, Pillow's `thumbnail`
to 2.3 (docs/decisions has the table).
"""

BASE_MARGIN = 2.0
"""How many pixels of a larger output an output pixel must have to be derived from it. Below two,
the second resampling shows."""


class OutputPlan(msgspec.Struct, frozen=True):
    """One output to make.

    `index` is its place in the item. `parent` is the index of the output whose reduced pixels it
    starts from; None: the decoded source.
    """

    index: int
    output: Output
    placement: Placement
    animated: bool = False
    parent: int | None = None


def lay_out(
    source: Size, outputs: Sequence[Output], *, moves: bool = False
) -> tuple[OutputPlan, ...]:
    """Plan each output; `source` is the size as displayed, and `moves` whether it is animated."""
    return tuple(
        OutputPlan(index, output, place(source, output), animated)
        for index, output in enumerate(outputs)
        for animated in [moves and output.animated and output.format != "jpeg"]
    )


def largest_first(source: Size, plans: Sequence[OutputPlan]) -> tuple[OutputPlan, ...]:
    """Order the plans by area; give each the smallest earlier output that it can start from."""
    ordered: list[OutputPlan] = []
    for plan in sorted(plans, key=lambda plan: (-area(plan.placement.size), plan.index)):
        parents = [larger.index for larger in ordered if _can_serve(larger, plan, source)]
        ordered.append(msgspec.structs.replace(plan, parent=parents[-1] if parents else None))
    return tuple(ordered)


def draft_scale(source: Size, plans: Sequence[OutputPlan]) -> int:
    """Return the largest of 8, 4, 2, 1 at which a JPEG has the pixels that every output needs.

    `source` is the size as displayed.
    """
    needs = [_needed_size(plan.placement, source) for plan in plans]
    width = DRAFT_MARGIN * max(across for across, _ in needs)
    height = DRAFT_MARGIN * max(down for _, down in needs)
    for scale in DRAFT_SCALES:
        if source[0] >= width * scale and source[1] >= height * scale and scale <= min(source):
            return scale
    return 1


def decoded_size(stored: Size, scale: int) -> Size:
    """Return the size of a source of this size, decoded at 1/scale: rounded up, as libjpeg does."""
    return -(-stored[0] // scale), -(-stored[1] // scale)


def same_pixels(one: OutputPlan, other: OutputPlan) -> bool:
    """Whether two outputs show the same part of the source at the same size."""
    return (one.placement.box, one.placement.size) == (other.placement.box, other.placement.size)


def _can_serve(larger: OutputPlan, plan: OutputPlan, source: Size) -> bool:
    """Whether `plan` can start from the pixels of `larger` without a visible loss."""
    if same_pixels(larger, plan):
        return True
    need = _needed_size(plan.placement, source)
    has = larger.placement.size
    uncropped = larger.placement.extent == source
    enlarged = has[0] > source[0] or has[1] > source[1]  # has no more than the source, and blurred
    enough = has[0] >= BASE_MARGIN * need[0] and has[1] >= BASE_MARGIN * need[1]
    return uncropped and enough and not enlarged


def _needed_size(placement: Placement, source: Size) -> tuple[float, float]:
    """Return the size of the whole source, in pixels, at this output's scale."""
    width, height = placement.extent
    return placement.size[0] / width * source[0], placement.size[1] / height * source[1]
