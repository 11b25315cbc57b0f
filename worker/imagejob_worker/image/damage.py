"""How much of a source is missing or damaged, and what becomes of it then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.facts import Note
from imagejob_worker.image.parsers.probe import corrupt

if TYPE_CHECKING:
    from imagejob_worker.contract.order import Limits

TOLERATED = 0.01
"""A share of the rows that a viewer accepts: it is a stripe that one has to look for."""


class Damage(msgspec.Struct, frozen=True):
    """What is wrong, as a sentence for users; `share` of the rows, None if that can't be told."""

    message: str
    share: float | None = None


def accept(damage: Damage | None, limits: Limits) -> Note:
    """Return the note for outputs that show this damage. Raises CorruptImage if none may."""
    if damage is None:
        return Note(0)
    tolerable = damage.share is not None and damage.share <= TOLERATED
    if not tolerable and limits.damage == "Refuse":
        raise corrupt(damage.message)
    return Note.DAMAGED


def rows_missing(share: float) -> Damage:
    """Rows at the bottom that the source doesn't have."""
    return Damage(f"the last {percent(share)} of the rows are missing or damaged", share)


def worse(one: Damage | None, other: Damage | None) -> Damage | None:
    """The one of which more is lost; most if that can't be told."""
    return (
        max(one, other, key=lambda damage: damage.share if damage.share is not None else 1)
        if one and other
        else one or other
    )


def percent(share: float) -> str:
    """Return whole percents, of which any damage has at least one."""
    return f"{max(1, round(100 * share))} %"
