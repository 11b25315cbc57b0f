"""What the steps of the pipeline share: one context for each source, and one for each output.

Each annotated field is set by the step that its comment names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_worker.contract.facts import Note
from imagejob_worker.image.raster import Raster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from PIL import Image

    from imagejob_worker.contract.facts import Made, SourceFacts
    from imagejob_worker.contract.order import Item, SourceFormat
    from imagejob_worker.image.files import Files
    from imagejob_worker.image.jpeg_settings import JpegSettings
    from imagejob_worker.image.parsers.probe import Probe
    from imagejob_worker.image.plan import OutputPlan
    from imagejob_worker.image.raster import Frame
    from imagejob_worker.image.steps.canvas import Colour
    from imagejob_worker.image.steps.choose_format import Choice
    from imagejob_worker.image.steps.encode import Animation
    from imagejob_worker.image.steps.read_profile import Profile


class SourceContext:
    """One source: its open files, the item that asks for outputs of it, and what is known."""

    facts: SourceFacts | None = None  # identify, completed by probe
    probe: Probe  # probe
    plans: tuple[OutputPlan, ...]  # plan_outputs; aim_smart_crops moves their crops
    draft_scale: int  # plan_outputs: a JPEG is decoded at 1/draft_scale
    free_memory: int | None  # check_memory: what the item may take from there on; None: no limit
    first_frames: dict[bool, Frame]  # decode: of still outputs (False) and of animated ones (True)
    more_frames: Iterator[Frame]  # decode: those that follow in animated outputs
    jpeg_settings: JpegSettings | None = None  # decode, of a JPEG
    profile: Profile | None  # read_profile

    def __init__(
        self,
        files: Files,
        item: Item,
        allowed: Sequence[SourceFormat],
        on_decoded: Callable[[], None],
    ) -> None:
        self.files = files
        self.item = item
        self.allowed = allowed
        self.on_decoded = on_decoded
        self.notes = Note(0)  # any step may add some

    @property
    def format(self) -> SourceFormat:
        """The source's format, as identified."""
        assert self.facts  # noqa: S101 (for mypy: identify has set it)
        return self.facts.format

    @property
    def frames(self) -> int:
        """How many frames to decode: one, unless an output is animated."""
        return self.probe.frames if any(plan.animated for plan in self.plans) else 1

    @property
    def keeps_icc(self) -> bool:
        """Whether the outputs are to keep the source's ICC profile."""
        return "icc" in self.item.metadata.keep

    def raster(self, frame: Frame) -> Raster:
        """Return a frame of this source, at the scale that it was decoded at."""
        return Raster(frame.image, self.profile, (1 / self.draft_scale, 1 / self.draft_scale))


class OutputContext:
    """One output: its rendered frames, and the open file that they are encoded into."""

    choice: Choice  # choose_format; encode_output and keep_within_source may replace it
    icc: bytes | None  # fit_profile: the profile to write into the file
    background: Colour | None  # fit_profile: the one asked for, in the colours of the pixels
    images: list[Image.Image]  # draw_canvas, unify_modes
    made: Made  # encode_output; keep_within_source may replace it

    def __init__(
        self,
        source: SourceContext,
        plan: OutputPlan,
        rasters: list[Raster],
        animation: Animation | None,
    ) -> None:
        self.source = source
        self.plan = plan
        self.rasters = rasters  # fit_profile and orient replace them
        self.animation = animation
        self.file = source.files.outputs[plan.index]  # encode_output may take the spare one

    @property
    def has_grey_profile(self) -> bool:
        """Whether the file is to carry a profile for grey, which only pixels of grey may have."""
        return self.icc is not None and self.images[0].mode == "L"
