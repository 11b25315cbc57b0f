"""Step: ask for a worker with more memory at once, rather than run out of it later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.failures import NeedsMemory
from imagejob_worker.image import memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.image.context import OutputContext, SourceContext
    from imagejob_worker.image.plan import OutputPlan
    from imagejob_worker.image.steps.choose_format import Choice


def check_memory(context: SourceContext) -> None:
    """Judge by the header, before a decoder has allocated anything. Raises NeedsMemory."""
    context.free_memory = context.files.free_address_space()
    _check(context, context.plans)


def check_encoder(output: OutputContext, choice: Choice) -> None:
    """What `auto` comes to may take more than was assumed. Raises NeedsMemory."""
    plan, source = output.plan, output.source
    if choice.format == memory.assumed_format(plan, source.format):
        return
    asked = msgspec.structs.replace(plan.output, format=choice.format, lossless=choice.lossless)
    chosen = msgspec.structs.replace(plan, output=asked)
    _check(source, [chosen if each.index == plan.index else each for each in source.plans])


def _check(context: SourceContext, plans: Sequence[OutputPlan]) -> None:
    assert context.facts  # noqa: S101 (for mypy: identify has set it)
    length = context.files.length
    source = memory.Source(context.format, context.probe, context.draft_scale, length)
    needed = memory.needed(source, plans)
    if context.free_memory is not None and needed > context.free_memory:
        raise NeedsMemory(needed + memory.LOADED, context.facts)
