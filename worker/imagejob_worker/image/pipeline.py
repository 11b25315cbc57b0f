"""The image pipeline: a source file in, the item's outputs into files, all of them open already.

No I/O but these, no network, no clock; the same source and item give the same bytes.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from warnings import catch_warnings, simplefilter

from PIL import Image

from imagejob_worker.contract.facts import Kind, Note, Processed
from imagejob_worker.contract.failures import ItemFailure, NeedsMemory
from imagejob_worker.image.context import OutputContext, SourceContext
from imagejob_worker.image.plan import largest_first, same_pixels
from imagejob_worker.image.steps.canvas import draw_canvas
from imagejob_worker.image.steps.check_limits import check_limits, check_source
from imagejob_worker.image.steps.check_memory import check_memory
from imagejob_worker.image.steps.choose_format import choose_format
from imagejob_worker.image.steps.decode import decode
from imagejob_worker.image.steps.encode import Animation
from imagejob_worker.image.steps.encode_output import encode_output
from imagejob_worker.image.steps.identify import identify
from imagejob_worker.image.steps.keep_within_source import keep_within_source
from imagejob_worker.image.steps.modes import unify_modes
from imagejob_worker.image.steps.orient import orient
from imagejob_worker.image.steps.plan_outputs import plan_outputs
from imagejob_worker.image.steps.probe import probe
from imagejob_worker.image.steps.read_profile import read_profile
from imagejob_worker.image.steps.resize import resize
from imagejob_worker.image.steps.smart_gravity import aim_smart_crops
from imagejob_worker.image.steps.to_srgb import fit_profile, to_srgb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from imagejob_worker.contract.facts import Made
    from imagejob_worker.contract.order import Item, SourceFormat
    from imagejob_worker.image.files import Files
    from imagejob_worker.image.plan import OutputPlan
    from imagejob_worker.image.raster import Frame, Raster

# Once for the source. No decoder sees it before the checks.
SOURCE_STEPS = (
    identify,  # its format, by magic bytes
    probe,  # walk its container: size, frames, orientation, colours, kinds of metadata
    check_source,  # what no output can show: sides, high dynamic range
    plan_outputs,  # size and crop of each output, and the scale to decode at
    check_limits,  # of what is to be decoded, and of each output
    check_memory,  # for all that follows; a worker that has less decodes nothing
    decode,  # the still image, the first frame; others follow one by one, as they are rendered
    read_profile,  # the first usable statement of its colours
    aim_smart_crops,
)
# For each frame and each output, the largest output first: smaller ones may start from its result.
REDUCE_STEPS = (resize, to_srgb)
# For each output, from its reduced frames. Turning is cheapest here, where they are smallest.
OUTPUT_STEPS = (
    orient,
    choose_format,
    fit_profile,
    draw_canvas,
    unify_modes,
    encode_output,
    keep_within_source,
)

MAX_MESSAGE = 120


class EncodedOutput(NamedTuple):
    """What is left of an output when its file is written; its pixels are free."""

    at: int  # in the item
    made: Made
    has_icc: bool


def process(
    files: Files,
    item: Item,
    formats: Sequence[SourceFormat],
    on_decoded: Callable[[], None] = lambda: None,
) -> Processed:
    """Make every output of `item`, from and into `files`.

    `on_decoded` is called once the source is decoded whole: later faults are our own.
    Raises ItemFailure, with what was known of the source by then, or NeedsMemory; the outputs'
    files may hold anything then. What the item needs has to be loaded (`loading`) if no file can be
    opened.
    Sets Pillow's MAX_IMAGE_PIXELS, as a second check behind `check_limits`.
    """
    context = SourceContext(files, item, formats, on_decoded)
    with _failures_explained(context), catch_warnings():
        simplefilter("ignore")  # what a decoder thinks of a source doesn't belong in the log
        simplefilter("error", Image.DecompressionBombWarning)
        Image.MAX_IMAGE_PIXELS = item.limits.max_pixels
        for step in SOURCE_STEPS:
            step(context)
        outputs = [*_still_outputs(context), *_animated_outputs(context)]
        return _processed(context, sorted(outputs, key=lambda output: output.at))


@contextmanager
def _failures_explained(context: SourceContext) -> Iterator[None]:
    """Make an ItemFailure, with what is known of the source, of whatever goes wrong."""
    try:
        yield
    except ItemFailure as failure:
        raise ItemFailure(failure.reason, _line(failure.message), context.facts) from failure
    except NeedsMemory:
        raise
    except MemoryError as error:
        message = "processing needs more memory than one item may have"
        raise ItemFailure("OutOfMemory", message, context.facts) from error
    except Exception as error:
        message = _line(f"{type(error).__name__}: {error}")
        raise ItemFailure("Internal", message, context.facts) from error


def _still_outputs(context: SourceContext) -> Iterator[EncodedOutput]:
    """Encode each output before the next is rendered, so that few pixels are held at once."""
    plans = [plan for plan in context.plans if not plan.animated]
    if not plans:
        return
    for plan, raster in _reduced(context, context.first_frames.pop(False), plans):
        yield _encoded(OutputContext(context, plan, [raster], None))


def _animated_outputs(context: SourceContext) -> Iterator[EncodedOutput]:
    """Decode each frame once, and reduce it for every output before the next is decoded."""
    plans = [plan for plan in context.plans if plan.animated]
    if not plans:
        return
    frames: dict[int, list[Raster]] = {plan.index: [] for plan in plans}
    durations: list[int] = []
    for frame in chain([context.first_frames.pop(True)], context.more_frames):
        durations.append(frame.milliseconds)
        for plan, raster in _reduced(context, frame, plans):
            frames[plan.index].append(raster)
        del frame  # or it would be kept while the next one is decoded
    animation = Animation(tuple(durations), context.probe.plays)
    for plan in plans:
        yield _encoded(OutputContext(context, plan, frames.pop(plan.index), animation))


def _reduced(
    context: SourceContext, frame: Frame, plans: Sequence[OutputPlan]
) -> Iterator[tuple[OutputPlan, Raster]]:
    """Yield each output's pixels of this frame, reduced and in sRGB, but not turned upright."""
    ordered = largest_first(context.probe.displayed, plans)
    bases: dict[int | None, Raster] = {None: context.raster(frame)}
    done: dict[int | None, OutputPlan] = {}
    for at, plan in enumerate(ordered):
        raster = bases[plan.parent]
        if plan.parent is None or not same_pixels(done[plan.parent], plan):
            for step in REDUCE_STEPS:
                raster = step(raster, plan, context)
        bases[plan.index], done[plan.index] = raster, plan
        needed_later = {None, *(later.parent for later in ordered[at + 1 :])}
        for index in bases.keys() - needed_later:
            del bases[index]
        yield plan, raster


def _encoded(output: OutputContext) -> EncodedOutput:
    for step in OUTPUT_STEPS:
        step(output)
    return EncodedOutput(output.plan.index, output.made, output.icc is not None)


def _processed(context: SourceContext, outputs: Sequence[EncodedOutput]) -> Processed:
    assert context.facts  # noqa: S101 (for mypy: identify has set it)
    probe = context.probe
    # A profile is removed unless every output has it.
    icc_kept = all(output.has_icc for output in outputs)
    notes = context.notes
    if context.facts.frames > context.frames:
        notes |= Note.FRAMES_UNUSED
    return Processed(
        source=context.facts,
        outputs=tuple(output.made for output in outputs),
        removed=probe.kinds & ~Kind.ICC if icc_kept else probe.kinds,
        notes=notes & ~Note.NO_END if Note.DAMAGED in notes else notes,
    )


def _line(message: str) -> str:
    """One line of printable ASCII, at most 120 characters: what the report can carry."""
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in " ".join(message.split()))
    return plain if len(plain) <= MAX_MESSAGE else plain[: MAX_MESSAGE - 3] + "..."
