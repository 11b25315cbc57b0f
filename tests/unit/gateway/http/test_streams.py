"""Where there are more streams of events than there may be, who has most makes room."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from imagejob_gateway.http.event_stream import Streams
from imagejob_gateway.problem import ProblemError

if TYPE_CHECKING:
    import asyncio


def openings(in_all: int, *owners: str) -> tuple[list[str], list[str]]:
    """Open a stream for each; return whose were refused, and whose had to make room."""
    streams, refused = Streams(3, in_all), []
    endings: list[tuple[str, asyncio.Event]] = []
    with ExitStack() as stack:
        for owner in owners:
            try:
                endings.append((owner, stack.enter_context(streams.opened(owner))))
            except ProblemError:
                refused.append(owner)
        ended = [owner for owner, ending in endings if ending.is_set()]
    assert not streams._open
    return refused, ended


FAIR = {
    "there is room": (["a", "a", "b"], [], []),
    "who has most makes room for who has none": (["a", "a", "a", "b"], [], ["a"]),
    "until they have as many": (["a", "a", "b", "b"], ["b"], []),
    "but for one": (["a", "a", "a", "b", "b", "b"], ["b", "b"], ["a"]),
    "nobody for one of many": (["a", "b", "c", "d"], ["d"], []),
    "nobody beyond their own": (["b", "a", "a", "a", "a"], ["a", "a"], []),
}


@pytest.mark.parametrize(("owners", "refused", "ended"), FAIR.values(), ids=FAIR)
def test_where_all_streams_are_taken_everybody_has_as_many(
    owners: list[str], refused: list[str], ended: list[str]
) -> None:
    assert openings(3, *owners) == (refused, ended)
