"""Whatever a tenant with `edit` does, in any order, with hostile stores: each promise is kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from adversary.machine import session, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.client import Client

pytestmark = [pytest.mark.laptop, pytest.mark.crowd]

SEEDS, MOVES = range(1, 6), 32
SECONDS = 170.0


def test_no_move_of_a_tenant_breaks_a_promise(
    cluster: Client, record_property: Callable[[str, object], None]
) -> None:
    with session(cluster) as runs:
        runs.explore(SEEDS, MOVES, until=time.monotonic() + SECONDS)

    broken = [outcome for outcome in runs.outcomes if outcome.violations]
    record_property("runs", [(len(each.moves), round(each.seconds, 1)) for each in runs.outcomes])
    assert not broken, "\n".join(map(told, broken))
    assert len(runs.outcomes) == len(SEEDS)
    assert min(len(each.moves) for each in runs.outcomes) >= 30
