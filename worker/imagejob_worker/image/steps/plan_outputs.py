"""Step: lay out every output, and choose the scale to decode at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_worker.image.plan import draft_scale, lay_out

if TYPE_CHECKING:
    from imagejob_worker.image.context import SourceContext


def plan_outputs(context: SourceContext) -> None:
    """Plan from sizes alone. Only libjpeg can decode at a smaller scale."""
    probe = context.probe
    context.plans = lay_out(probe.displayed, context.item.outputs, moves=probe.moves)
    context.draft_scale = 1
    if context.format == "jpeg":
        context.draft_scale = draft_scale(probe.displayed, context.plans)
