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


def rows_last(share: float) -> Damage:
    """Rows at the bottom."""
    if share == 1:
        return Damage("all of the rows are missing or damaged", share)
    return Damage(f"the last {percent(share)} of the rows are missing or damaged", share)


def rows_damaged(share: float) -> Damage:
    """Rows in several places."""
    return Damage(f"{percent(share)} of the rows are missing or damaged", share)


def worse(one: Damage | None, other: Damage | None) -> Damage | None:
    """The one of which more is lost: most if that can't be told."""
    found = [damage for damage in (one, other) if damage]
    return max(found, key=lambda damage: 1 if damage.share is None else damage.share, default=None)


def percent(share: float) -> str:
    """Return whole percents: at least one, and not all where something is there."""
    return f"{min(99, max(1, round(100 * share)))} %"
