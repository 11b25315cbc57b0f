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
BAND = 256
"""Rows that are blended at once, which takes two copies of them."""


class Canvas:
    """A canvas of this size. It never draws into an image that it has returned.

    So there are at most three images of its size, one of them the picture that is drawn.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._left: Image.Image | None = None  # None: all transparent
        self._shown: tuple[Patch, Image.Image] | None = None

    def dispose(self) -> None:
        """Do what is to be done before the next frame; `draw` does it if this wasn't called.

        It takes less memory if the last frame isn't needed, and the next not decoded, by then.
        """
        if self._shown is None:
            return
        patch, shown = self._shown
        self._shown = None
        if patch.disposal == Disposal.NONE:
            self._left = shown
        elif patch.disposal == Disposal.BACKGROUND:
            self._left = None
            self._left = self._cleared(shown, patch)

    def draw(self, patch: Patch, picture: Image.Image | None) -> Image.Image:
        """Return what is shown for the patch; None: its picture is empty.

        The picture has the size of the patch and the mode L, RGB or RGBA. If one has mode L, none
        of the canvas has RGB. The result has an alpha channel only if a pixel may be transparent.
        """
        self.dispose()
        shown = self._with(patch, picture) if picture else self._left or self._blank()
        self._shown = patch, shown
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
    width = min(picture.width, shown.width - at[0])
    height = min(picture.height, shown.height - at[1])
    if width > 0:
        for top in range(0, height, BAND):
            rows = 0, top, width, min(top + BAND, height)
            shown.alpha_composite(picture, (at[0], at[1] + top), rows)
