"""Step: say what colours the source has, as an ICC profile, if they are not sRGB's.

By Pillow's binding to littleCMS rather than by ImageCms, which is a few lines around it: each child
loads this, whether its source has a profile or not, and ImageCms would take a millisecond of 90.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image, _imagingcms

from imagejob_worker.contract.facts import Note
from imagejob_worker.image import memory
from imagejob_worker.image.memory_guard import require
from imagejob_worker.image.parsers import icc
from imagejob_worker.image.parsers.statements import Icc

if TYPE_CHECKING:
    from imagejob_worker.image.context import SourceContext
    from imagejob_worker.image.files import Files
    from imagejob_worker.image.parsers.statements import Statement

PERCEPTUAL: Final = 0  # presses' profiles are made for this intent, and matrix profiles ignore it
MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
FITTING = {"RGB": ("RGB", "GRAY"), "GRAY": ("GRAY",), "CMYK": ("CMYK",)}
"""Which samples a profile may describe."""


class Profile:
    """`data` is the profile as an output may keep it; `space` is RGB, GRAY or CMYK.

    Raises what littleCMS raises where it can't use the profile.
    """

    __slots__ = ("_transform", "data", "space")

    def __init__(self, data: bytes, space: str) -> None:
        self.data = data
        self.space = space
        srgb = _imagingcms.createProfile("sRGB")
        self._transform = _imagingcms.buildTransform(
            _imagingcms.profile_frombytes(icc.bounded(data)), srgb, MODES[space], "RGB", PERCEPTUAL
        )

    def convert(self, image: Image.Image) -> Image.Image:
        """Pixels in this profile as RGB in sRGB. The image has the mode that fits the space."""
        converted = Image.new("RGB", image.size, None)
        self._transform.apply(image.getim(), converted.getim())
        return converted

    def from_srgb(self, colour: tuple[int, int, int]) -> tuple[int, ...]:
        """The samples that show a colour of sRGB, or the nearest there is; of a profile for RGB.

        Raises what littleCMS raises where the profile tells only what samples show.
        """
        srgb = _imagingcms.createProfile("sRGB")
        back = _imagingcms.buildTransform(
            srgb, _imagingcms.profile_frombytes(icc.bounded(self.data)), "RGB", "RGB", PERCEPTUAL
        )
        samples = Image.new("RGB", (1, 1), colour)
        back.apply(samples.getim(), samples.getim())
        return tuple(samples.tobytes())


def read_profile(context: SourceContext) -> None:
    """Set the profile that the first statement to decide means; None for sRGB.

    A statement that can't be used is noted, and the next one is asked. Raises MemoryError.
    """
    context.profile = None
    first, *_ = context.first_frames.values()
    for statement in context.probe.stated:
        if isinstance(statement, Icc):
            check_profile_memory(context.files, statement.data or b"")
        decided, context.profile, note = _read(statement, first.space)
        context.notes |= note
        if decided:
            return


def check_profile_memory(files: Files, data: bytes) -> None:
    """littleCMS reports a lack of memory as a profile that it can't use, so check before."""
    require(files.free_address_space(), memory.PROFILE * len(data) + memory.MIB)


def _read(statement: Statement, samples: str) -> tuple[bool, Profile | None, Note]:
    """Whether the statement decides, the profile it comes to, and what users should know."""
    if isinstance(statement, Icc):
        profile = _usable(statement.data, samples)
        return profile is not None, profile, Note(0) if profile else Note.ICC_DROPPED
    if samples == "CMYK":  # the others describe light, not ink
        return False, None, Note(0)
    # `loading` has them loaded, for the formats that may need them.
    from imagejob_worker.image.colours.judge import judge
    from imagejob_worker.image.colours.made_profile import made_profile
    from imagejob_worker.image.colours.spaces import SRGB

    meaning = judge(statement)
    note = Note.COLOURS_IGNORED if meaning.ignored else Note(0)
    if meaning.space is None or meaning.space == SRGB:
        return meaning.space is not None, None, note
    data = made_profile(meaning.space, samples)
    return True, Profile(data, samples), note


def _usable(data: bytes | None, samples: str) -> Profile | None:
    """Return the profile if it describes such samples and littleCMS can use it.

    Grey may have a profile for RGB, in which its samples are all three, as browsers show it.
    """
    space = icc.space(data) if data is not None else None
    if data is None or space is None or samples not in FITTING.get(space, ()):
        return None
    try:
        return Profile(data, space)
    except (OSError, ValueError, TypeError):
        return None
