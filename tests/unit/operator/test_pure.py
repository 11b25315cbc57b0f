"""Decisions change none of their arguments, and how all other tests check it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from imagejob_operator.scheduling import plan as plans
from support.planning_team import Team, job
from support.purity import ChangedArgumentError, Watch, public_functions


class Box(msgspec.Struct):
    things: dict[str, list[int]]


@dataclass
class Shelf:
    box: Box
    index: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def shelf() -> Shelf:
    return Shelf(Box({"a": [1]}))


CHANGES: dict[str, Callable[[Shelf], Any]] = {
    "a list, deep in it": lambda shelf: shelf.box.things["a"].append(2),
    "a key": lambda shelf: shelf.box.things.setdefault("b", []),
    "an attribute": lambda shelf: setattr(shelf, "box", Box({})),
    "an index that was only asked": lambda shelf: shelf.index["a"],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_function_that_changes_its_argument_is_caught(change: Callable[[Shelf], Any]) -> None:
    with pytest.raises(ChangedArgumentError, match="has changed its argument shelf"):
        Watch().watched(change)(shelf())


def test_a_function_that_only_reads_passes() -> None:
    assert Watch().watched(lambda shelf: shelf.box.things["a"])(shelf()) == [1]


def test_a_planner_that_assumes_destinations_itself_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The planner once did this."""
    team, honest = Team().queued(job("a")), plans.Planner.compose

    def assuming(self: plans.Planner, *args: Any) -> Any:
        made = honest(self, *args)
        for each in made.jobs:
            self.cache.assume(each, made.name)
        return made

    monkeypatch.setattr(plans.Planner, "compose", assuming)

    with pytest.raises(ChangedArgumentError, match="plan has changed its argument cache"):
        team.plan()


def test_every_public_function_of_the_pure_folders_is_watched() -> None:
    packages = [f"imagejob_operator.{name}" for name in ("quota", "imagejob", "scheduling")]

    unwatched = [name for _, name, each in public_functions(*packages) if not is_watched(each)]

    assert unwatched == []
    assert len(list(public_functions(*packages))) > 50


def is_watched(function: Callable[..., Any]) -> bool:
    return hasattr(function, "__wrapped__")
