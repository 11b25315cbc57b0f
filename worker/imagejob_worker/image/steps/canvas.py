"""Step: the background, behind transparency and beside an image smaller than its canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from imagejob_worker.image.context import OutputContext
    from imagejob_worker.image.geometry import Placement

    Colour = tuple[int, ...]

WHITE = (255, 255, 255, 255)
CLEAR = (0, 0, 0, 0)


def parse_colour(background: str | None) -> Colour | None:
    """Parse `#rgb`, `#rrggbb` or `#rrggbbaa` into red, green, blue and alpha, 0 to 255.

    Raises ValueError for anything else; the CRD lets nothing else through.
    """
    if background is None:
        return None
    digits = background.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    if len(digits) == 6:
        digits += "ff"
    if len(digits) != 8:
        raise ValueError(f"{background!r} is not a colour")
    red, green, blue, alpha = bytes.fromhex(digits)
    return red, green, blue, alpha


def draw_canvas(output: OutputContext) -> None:
    """Put every frame onto its canvas."""
    plan, has_alpha = output.plan, output.choice.format != "jpeg"
    output.images = [
        draw(raster.image, plan.placement, output.background, alpha=has_alpha)
        for raster in output.rasters
    ]


def draw(
    image: Image.Image, placement: Placement, background: Colour | None, *, alpha: bool
) -> Image.Image:
    """Draw the image at its place on its canvas; return it as it is where no background shows.

    `alpha` says whether the output's format has transparency. Without a background, the canvas is
    transparent if it can be, else white; a background that is partly transparent lies on white
    where the format has no transparency.
    """
    shows = placement.padded or (image.mode == "RGBA" and (background or not alpha))
    if not shows:
        return image
    colour = background or (CLEAR if alpha else WHITE)
    if not alpha:
        colour = over_white(colour)
    if colour[3] == 255:
        opaque = Image.new("RGB", placement.canvas, colour[:3])
        opaque.paste(image, placement.at, image if image.mode == "RGBA" else None)
        return opaque
    canvas = Image.new("RGBA", placement.canvas, colour)
    canvas.alpha_composite(image.convert("RGBA"), placement.at)
    return canvas


def over_white(colour: Colour) -> Colour:
    """Return what a colour looks like on white."""
    red, green, blue = (round(255 + (part - 255) * colour[3] / 255) for part in colour[:3])
    return red, green, blue, 255
