"""Who may use a slot: its owner, or whom the owner has given its token."""

from __future__ import annotations

from imagejob_gateway.auth.caller import Caller
from imagejob_gateway.auth.sealed import SealedToken
from imagejob_gateway.problem import UnauthenticatedError
from imagejob_gateway.state import slots
from imagejob_gateway.state.owner import OwnerState, Slot

Holder = Caller | SealedToken


def slot_of(state: OwnerState, id_: str, holder: Holder) -> Slot:
    """Return the slot, if the holder may know of it. Raises ProblemError."""
    if isinstance(holder, SealedToken):
        return slots.proven(state, id_, holder.digest)
    return slots.found(state, id_)


def slot_to_change(state: OwnerState, id_: str, holder: Holder) -> Slot:
    """As above; of a token that has completed its upload nothing is left but to ask for that again.

    Raises ProblemError.
    """
    slot = slot_of(state, id_, holder)
    if slot.phase == "completed" and isinstance(holder, SealedToken):
        raise UnauthenticatedError("the slot's token has completed its upload")
    return slot
