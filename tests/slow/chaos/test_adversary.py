"""Whatever a tenant with `edit` does, in any order, with hostile stores: every promise holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.adversary.machine import session, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.client import Client

pytestmark = pytest.mark.laptop  # it looks at the node's processes, and needs its own store

SEEDS, MOVES = (3, 4, 7, 10, 11), 32
SECONDS = 180.0


def test_no_move_of_a_tenant_breaks_a_promise(
    cluster: Client, record_property: Callable[[str, object], None], pytestconfig: pytest.Config
) -> None:
    began = time.monotonic()
    with session(cluster) as runs:
        runs.explore(SEEDS, MOVES)
    seconds = time.monotonic() - began

    broken = [outcome for outcome in runs.outcomes if outcome.violations]
    for outcome in runs.outcomes:
        record_property(f"seed {outcome.seed}, {outcome.seconds:.1f} s", outcome.figures)
    assert not broken, "\n".join(map(told, broken))
    assert len(runs.outcomes) == len(SEEDS)
    assert min(len(outcome.moves) for outcome in runs.outcomes) >= MOVES
    assert seconds < SECONDS or not pytestconfig.option.calm
