"""When each alert must fire, and when not, by the values of metrics."""

from __future__ import annotations

from typing import NamedTuple

Series = dict[str, str]
"""A series and its values per minute, as promtool writes them: `0+2x30` starts at 0, adds 2."""


class Case(NamedTuple):
    """It fires with `fires`, in minute `late` but not yet in `early`, and not with `quiet`."""

    early: int
    late: int
    fires: Series
    quiet: Series
