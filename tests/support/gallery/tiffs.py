"""TIFF: the layouts of the table in each way, turned, with profiles; what is refused as well."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from support.gallery.case import Case, drawn, paint_of
from support.gallery.profiles import profile_for
from support.gallery.tiff_table import cells, painted, ways_of
from support.judges import BROWSERS, LIBVIPS, OPAQUE
from support.specimens import samples
from support.specimens.ifd import BYTE, LONG, SHORT
from support.specimens.samples import CMYK, PALETTE, RGB

CELLS = [*cells()]
MODES = {RGB: "RGB", PALETTE: "RGB", CMYK: "CMYK"}


def make(rng: Random) -> Case:
    name, layout, verdict = rng.choice(CELLS)
    way = rng.choice(list(ways_of(layout)))
    layout = replace(layout, order=rng.choice("<>"), **ways_of(layout)[way])
    sides = (rng.randrange(3, 20) * 2, rng.randrange(3, 20) * 2)
    picture = drawn(rng, sides)
    if isinstance(verdict, str):
        source = samples.write(layout, paint_of(picture), sides)
        return Case(f"{name} {way} {layout.order}", "tiff", source, refused=verdict)
    colours, judge = "no profile", verdict
    if judge in (LIBVIPS, BROWSERS, OPAQUE):
        orientation = rng.randrange(1, 9)
        kind = rng.choice((BYTE, SHORT, LONG))
        profile, colours = profile_for(rng, MODES.get(layout.photometric, "L"))
        if layout.photometric == CMYK and layout.extra:
            profile, colours = b"", "no profile"  # libvips takes all five samples for inks
        layout = replace(layout, orientation=orientation, orientation_kind=kind, profile=profile)
        judge = LIBVIPS if profile and judge is BROWSERS else judge
    source = samples.write(layout, paint_of(picture), sides)
    expected = painted(layout, paint_of(picture), sides)
    name = f"{name} {way} {layout.order} orientation {layout.orientation} {colours}"
    return Case(name, "tiff", source, judge, painted=expected)
