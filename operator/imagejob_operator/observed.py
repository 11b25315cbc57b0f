"""What the engine keeps for its own work, for others to read and not to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .agenda import Agenda
from .domain.lifecycle import Memory
from .domain.picture import Picture
from .domain.platform import Caps
from .pace import Pace
from .tenants import Tenants


class Observed(NamedTuple):
    """Whole between two awaits of the event loop, and only there."""

    picture: Picture
    memories: Mapping[str, Memory]
    tenants: Tenants
    agenda: Agenda
    pace: Pace
    caps: Caps
