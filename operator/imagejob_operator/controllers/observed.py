"""What the engine keeps for its own work, for others to read and not to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from imagejob_operator.cache.cluster_cache import Picture
from imagejob_operator.config.platform import Caps
from imagejob_operator.imagejob.decide import Memory
from imagejob_operator.kube.concurrency_limiter import Pace
from imagejob_operator.scheduling.namespace_registry import Tenants
from imagejob_operator.workqueue.queue import Agenda


class Observed(NamedTuple):
    """Whole between two awaits of the event loop, and only there."""

    picture: Picture
    memories: Mapping[str, Memory]
    tenants: Tenants
    agenda: Agenda
    pace: Pace
    caps: Caps
