"""Two namespaces with dripping stores, against twenty with tiny images, in virtual time.

An attempt of the hogs holds its worker for ten minutes, and is repeated endlessly. The twenty
always have more to do: when one of their workers has ended, the next one waits.
"""

from __future__ import annotations

import pytest
from support.slots import Slots

HOGS = ("hog-1", "hog-2")
TWENTY = tuple(f"team-{number:02}" for number in range(20))
ONE_BY_ONE = tuple((hog,) for hog in HOGS)
PLACES, KEPT = 8, 2
ATTEMPT, TINY, HOUR = 600, 4, 3600


class Loop(Slots):
    """A closed loop: the next worker follows each one that has ended."""

    def comes_back(self, name: str) -> None:
        if name in HOGS + TWENTY:
            self.arrive(name, ATTEMPT if name in HOGS else TINY)

    def begin(self, names: tuple[str, ...], each: int = 16) -> None:
        for name in names:
            self.arrive(name, ATTEMPT if name in HOGS else TINY, each)
        self.look()

    def done(self) -> int:
        """The number of ended workers of the twenty."""
        return sum(self.ended[name] for name in TWENTY)


def alone(seconds: int) -> int:
    loop = Loop(PLACES, KEPT)
    loop.begin(TWENTY)
    loop.wait(seconds)
    return loop.done()


def among_hogs(seconds: int, *, hogs_first: bool) -> Loop:
    loop = Loop(PLACES, KEPT)
    for names in (*ONE_BY_ONE, TWENTY) if hogs_first else (TWENTY, *ONE_BY_ONE):
        loop.begin(names)
    loop.wait(seconds)
    return loop


@pytest.mark.parametrize("hogs_first", [False, True])
def test_the_twenty_keep_four_fifths(*, hogs_first: bool) -> None:
    loop = among_hogs(HOUR, hogs_first=hogs_first)

    assert loop.done() >= 0.8 * alone(HOUR)


def test_all_twenty_have_the_same() -> None:
    loop = among_hogs(HOUR, hogs_first=True)

    ended = [loop.ended[name] for name in TWENTY]
    assert max(ended) - min(ended) <= 1


def test_earlier_hogs_leave_the_reserve_except_for_one_each() -> None:
    """The first holds all that it may, the second one of the reserve; in each of the ten minutes
    the others have the rest of it.
    """
    loop = Loop(PLACES, KEPT)
    for hog in HOGS:
        loop.begin((hog,))
    loop.begin(TWENTY)
    held = [loop.held[name] for name in HOGS]
    done = []
    for _ in range(ATTEMPT // 60 - 1):
        before = loop.done()
        loop.wait(60)
        done.append(loop.done() - before)

    assert held == [PLACES - KEPT, 1]
    assert set(done) == {60 // TINY}


def test_a_newcomer_never_waits_for_a_hog() -> None:
    loop = Loop(PLACES, KEPT)
    loop.begin(HOGS)
    for minute in range(60):
        name = f"new-{minute}"
        loop.wait(60)
        loop.arrive(name, TINY)
        loop.look()

        assert loop.waited[name] == [0]
