"""Texts of `status.notes`: what a success may say about itself."""

from __future__ import annotations

from typing import Final

ICC_DROPPED: Final = "the source's ICC profile was unusable and was dropped"
COLOURS_IGNORED: Final = "a description of the source's colours was unusable and was ignored"
FRAMES_UNUSED: Final = "the source has more frames than were used"
NO_LANDLOCK: Final = "the node has no Landlock: the image was decoded with one protection less"
NO_SECCOMP: Final = "the node has no seccomp: the image was decoded with one protection less"
NO_END: Final = (
    "the source's end, a length or a checksum is missing or wrong,"
    " but every pixel that was used is there"
)
DAMAGED: Final = "part of the source is missing or damaged, and the outputs show it"
