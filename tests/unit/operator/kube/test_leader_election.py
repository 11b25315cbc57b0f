"""Ends tasks reliably."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from imagejob_operator.kube import leader_election as leadership


async def _deaf_to_the_first() -> None:
    """Like a wait_for whose result comes in the same turn of the loop."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.Event().wait()


async def _failing_at_its_end() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise ValueError("while it tidied up")


async def _ready() -> None:
    return


@pytest.mark.parametrize("work", [_deaf_to_the_first, _failing_at_its_end, _ready])
def test_a_task_has_ended_however_it_does(
    work: leadership.Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leadership, "CANCEL_AGAIN_SECONDS", 0.01)

    async def begin_and_end() -> bool:
        task = asyncio.create_task(work())
        await asyncio.wait((task,), timeout=0)
        await leadership.end(task)
        with suppress(asyncio.CancelledError):
            task.exception()
        return task.done()

    assert asyncio.run(begin_and_end())
