"""Slots: places that are reserved for direct uploads.

Pure functions. A slot is remembered until nobody can write to its key any more, whatever became of
it: then what was written too late is removed, and the record with it.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Literal

import msgspec

from imagejob_gateway.problem import ProblemError, ProblemReason, UnauthenticatedError

from . import limit
from .owner import OwnerState, Slot, image_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagejob_operator.quota.rates import Rate

GRACE = 5 * 60 * 1000
"""Milliseconds after its end that a slot is remembered: a PUT that began in time ends by then."""


def reserved(
    state: OwnerState, rate: Rate, most: int, name: str, new: Mapping[str, Slot]
) -> OwnerState:
    """Record slots of the owner `name`, all or none. Raises ProblemError beyond the limits."""
    if state.slots.keys() >= new.keys():
        return state
    if len(state.open_slots) + len(new) > most:
        ends = [state.slots[id_].expires for id_ in state.open_slots]
        raise ProblemError(
            ProblemReason.TOO_MANY_SLOTS,
            f"You may have {most} open slots; {most - len(ends)} are left.",
            wait=state.seconds_until(min(ends)) if ends else None,
        )
    limit.check(state, rate, len(new))
    return msgspec.structs.replace(state, slots={**state.slots, **new}, name=name)


def opened(slot: Slot, token: str, expires: int) -> Slot:
    """Return the slot with its token's digest and its end."""
    return msgspec.structs.replace(slot, token=token, expires=expires)


def found(state: OwnerState, id_: str) -> Slot:
    """Return a slot. Raises ProblemError if there is none."""
    slot = state.slots.get(id_)
    if slot is None:
        raise ProblemError(ProblemReason.NOT_FOUND, f"There is no upload {id_}.", field="id")
    return slot


def proven(state: OwnerState, id_: str, token: str) -> Slot:
    """Return the slot that a token's digest is of. Raises ProblemError, whatever is wrong."""
    slot = state.slots.get(id_)
    if slot is None:
        raise UnauthenticatedError("the slot isn't known, or not any more")
    if not hmac.compare_digest(slot.token, token):
        raise UnauthenticatedError("the token isn't the slot's")
    return slot


def is_open(state: OwnerState, id_: str) -> bool:
    """Whether an upload may still be completed."""
    return id_ in state.open_slots


def check_open(state: OwnerState, id_: str) -> None:
    """Raise ProblemError for a slot that isn't open any more."""
    phase = found(state, id_).phase
    if phase == "completed":
        raise ProblemError(ProblemReason.SLOT_USED, "The upload is complete already.")
    if phase == "returned":
        raise ProblemError(ProblemReason.SLOT_CLOSED, "The slot was given back.")
    if not is_open(state, id_):
        raise ProblemError(ProblemReason.SLOT_CLOSED, "The slot has expired.")


def completed(state: OwnerState, id_: str) -> OwnerState:
    """Record that a slot's ImageJob exists; what was announced of its object is of no use then."""
    return _ended(state, id_, "completed")


def returned(state: OwnerState, id_: str) -> OwnerState:
    """Give a slot back. Raises ProblemError if it was completed, or is about to be."""
    slot = found(state, id_)
    if slot.phase == "returned":
        return state
    check_open(state, id_)
    if any(each.name == image_of(id_) for each in state.uploads.values()):
        raise ProblemError(ProblemReason.IN_PROGRESS, "The upload is being completed.", wait=1)
    return _ended(state, id_, "returned")


def overdue(state: OwnerState, now: int) -> dict[str, Slot]:
    """Return the slots that nobody can write to any more."""
    return {id_: slot for id_, slot in state.slots.items() if now >= slot.expires + GRACE}


def dropped(state: OwnerState, id_: str) -> OwnerState:
    """Forget a slot."""
    return _with(state, {other: slot for other, slot in state.slots.items() if other != id_})


def _ended(state: OwnerState, id_: str, phase: Literal["completed", "returned"]) -> OwnerState:
    slot = state.slots.get(id_)
    if slot is None or slot.phase == phase:
        return state
    rest = Slot(slot.expires, slot.token, slot.store, phase=phase)
    return _with(state, {**state.slots, id_: rest})


def _with(state: OwnerState, slots: dict[str, Slot]) -> OwnerState:
    return msgspec.structs.replace(state, slots=slots, name=state.name if slots else "")
