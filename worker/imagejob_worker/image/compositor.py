"""What each frame of an animation shows: its picture, drawn on what the frames before left.

As browsers do: the canvas is transparent at first, whatever background the file states, and so is
what is cleared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from imagejob_worker.image.parsers.probe import Disposal

if TYPE_CHECKING:
    from imagejob_worker.image.parsers.probe import Patch

CLEAR = (0, 0, 0, 0)


class Canvas:
    """A canvas of this size. It never draws into an image that it has returned.

    So there are at most three images of its size: what was left, what is shown, what that leaves.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._left: Image.Image | None = None  # None: all transparent

    def draw(self, patch: Patch, picture: Image.Image | None) -> Image.Image:
        """Return what is shown for the patch; None: its picture is empty.

        The picture has the size of the patch and the mode L, RGB or RGBA. If one has mode L, none
        of the canvas has RGB. The result has an alpha channel only if a pixel may be transparent.
        """
        shown = self._with(patch, picture) if picture else self._left or self._blank()
        if patch.disposal == Disposal.NONE:
            self._left = shown
        elif patch.disposal == Disposal.BACKGROUND:
            self._left = self._cleared(shown, patch)
        return shown

    def _with(self, patch: Patch, picture: Image.Image) -> Image.Image:
        """Draw the picture; what lies outside the canvas is cut off."""
        at, left = patch.box[:2], self._left
        replaces = left is None or not patch.over or picture.mode != "RGBA"
        if replaces and at == (0, 0) and picture.size == self._size:
            return picture
        shown = self._blank() if left is None else left.copy()
        if not replaces:
            _draw_over(shown, picture, at)
            return shown
        if picture.mode == "RGBA" and shown.mode != "RGBA":
            shown = shown.convert("RGBA")
        shown.paste(picture, at)
        return shown

    def _cleared(self, shown: Image.Image, patch: Patch) -> Image.Image | None:
        left, top, width, height = patch.box
        if (left, top) == (0, 0) and width >= self._size[0] and height >= self._size[1]:
            return None
        cleared = shown.copy() if shown.mode == "RGBA" else shown.convert("RGBA")
        cleared.paste(CLEAR, (left, top, left + width, top + height))
        return cleared

    def _blank(self) -> Image.Image:
        return Image.new("RGBA", self._size, CLEAR)


def _draw_over(shown: Image.Image, picture: Image.Image, at: tuple[int, int]) -> None:
    """Draw a picture with alpha; Pillow's `paste` is right only on what is opaque."""
    if shown.mode != "RGBA":
        shown.paste(picture, at, picture)
        return
    across, down = shown.width - at[0], shown.height - at[1]
    if across > 0 and down > 0:
        inside = 0, 0, min(picture.width, across), min(picture.height, down)
        shown.alpha_composite(picture, at, inside)
