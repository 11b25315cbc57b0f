"""ICC profiles for each kind of samples."""

from __future__ import annotations

import itertools
from random import Random

from support.specimens import icc

# A press of which each corner, an ink or none of each, has a colour in CIE L*a*b*.
TONES = (
    (96.0, 0.0, 2.0), (88.0, -6.0, 90.0), (50.0, 65.0, 0.0), (48.0, 60.0, 45.0),
    (60.0, -25.0, -40.0), (52.0, -50.0, 25.0), (28.0, 18.0, -42.0), (25.0, 0.0, 0.0),
)  # fmt: skip
PRESS = {
    ink: (12.0, 0.0, 0.0) if ink[3] else TONES[ink[0] * 4 + ink[1] * 2 + ink[2]]
    for ink in itertools.product((0, 1), repeat=4)
}
PROFILES = {
    "L": {"grey 1.8": icc.grey(1.8), "grey 2.6": icc.grey(2.6)},
    "RGB": {"Display P3": icc.display_p3(), "Adobe RGB": icc.adobe_rgb()},
    "CMYK": {"press": icc.cmyk(PRESS)},
}
SAMPLES = {"1": "L", "LA": "L", "I;16": "L", "RGBA": "RGB", "P": "RGB"}


def profile_for(rng: Random, mode: str, *, always: bool = False) -> tuple[bytes, str]:
    """A profile for samples of a mode and its name; none for six of ten, if not `always`."""
    known = PROFILES[SAMPLES.get(mode, mode)]
    if not always and rng.random() < 0.6:
        return b"", "no profile"
    name = rng.choice(list(known))
    return known[name], name
