"""All that is remembered of one owner: one value, of which each feature has its part.

Times are milliseconds since the epoch, on the state's clock (see `at`). Every part has to expire:
what is over is dropped by `pruned`, or settled by the sweeper where something else has to be
removed along with it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

import msgspec
from imagejob_operator.quota import history as histories
from imagejob_operator.quota.history import History
from imagejob_operator.quota.ledger import STANDSTILL
from imagejob_operator.quota.rates import Rate
from msgspec import Meta

from imagejob_gateway.config import LONGEST_LEASE

Time = Annotated[int, Meta(ge=0, lt=1 << 52)]

SlotId = Annotated[str, Meta(pattern=r"^[0-9a-f]{24}\Z")]
"""Part of a key: who may write ConfigMaps must not lead us to other keys by it."""

LONGEST_TICKET = 60
"""How many seconds a ticket may be used, once."""


class StateError(ValueError):
    """Text that is no state of an owner."""


class Part(
    msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """Base of all that is stored.

    Unknown fields are refused: a gateway that doesn't know them would drop them.
    """


class Admissions(Part, frozen=True, dict=True):
    """When ImageJobs were created, in the ledger's form: `text` is relative to `at`."""

    at: Time = 0
    text: str = ""

    def __post_init__(self) -> None:
        """Raise HistoryError for text that is no history; msgspec makes it its own error."""
        _ = self.history

    @cached_property
    def history(self) -> History:
        """The admissions as a value to count."""
        return histories.decode(self.text, self.at)

    @classmethod
    def of(cls, history: History, now: int) -> Admissions:
        """Return what to store of a history at `now`."""
        return cls(now, history.encode(now)) if history.slots else cls()


class Upload(Part, frozen=True):
    """An attempt to upload, under its id; `key` is of its object, which no two attempts share.

    `name` is of the ImageJob that it may create until `until`; "" if it isn't known yet. Attempts
    with one name create at most one.
    """

    name: str
    store: str
    key: str
    until: Time


class Slot(Part, frozen=True):
    """A place for one direct upload, under its id, and what was announced of its object.

    Nobody may write to its key after `expires`. `token` is the digest of the secret that may
    complete it, as `SealedToken` has it; `sha256` is in hex, "" if not given.
    """

    expires: Time
    token: str
    store: str
    profile: str = ""
    format: str = ""
    length: int = 0
    sha256: str = ""
    phase: Literal["open", "completed", "returned"] = "open"


def image_of(id_: str) -> str:
    """Return the name of the only ImageJob that a slot may become."""
    return f"img-{id_}"


class Ticket(Part, frozen=True):
    """A ticket that wasn't used yet, under its digest: for the events of the image with a UID."""

    image: str
    until: Time


class OwnerState(Part, frozen=True):
    """One owner's state. `as_of` is the time of its last change.

    `name` is the owner's, as Caller.on_behalf_of has it, while there are slots: who completes one
    by its token has no other. `key`, in hex, is in the gateway's own entry only.
    """

    as_of: Time = 0
    admissions: Admissions = Admissions()
    uploads: dict[str, Upload] = {}
    slots: dict[SlotId, Slot] = {}
    tickets: dict[str, Ticket] = {}
    name: str = ""
    key: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""

    @property
    def open_slots(self) -> frozenset[str]:
        """The ids of slots that may still be completed."""
        return frozenset(
            id_
            for id_, slot in self.slots.items()
            if slot.phase == "open" and self.as_of < slot.expires
        )

    @property
    def expected(self) -> frozenset[str]:
        """What may still become an ImageJob, each by its name if it is known."""
        attempts = {each.name or upload for upload, each in self.uploads.items()}
        return frozenset(attempts | {image_of(id_) for id_ in self.open_slots})

    @property
    def reserved(self) -> int:
        """How many ImageJobs may still come of what is in progress: they count for the limit."""
        return len(self.expected)

    def seconds_until(self, time: int) -> int:
        """Return how long a client has to wait for it: whole seconds, at least one."""
        return max(1, -(-(time - self.as_of) // 1000))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remember."""
        return msgspec.structs.replace(self, as_of=0) == OwnerState()

    def at(self, now: int) -> OwnerState:
        """Advance the clock to `now`.

        Clocks of two replicas differ a little, so the clock stops rather than go back by up to 5 s.
        If it is behind by more, it was set back: later admissions then count as now, which blocks
        for one window at most, and no lease or ticket ends later than one that begins now.
        """
        if now >= self.as_of:
            return msgspec.structs.replace(self, as_of=now)
        if self.as_of - now <= STANDSTILL:
            return self
        admissions = Admissions.of(self.admissions.history.clamped(now), now)
        latest = now + 1000 * LONGEST_LEASE
        uploads = {
            upload: msgspec.structs.replace(each, until=min(each.until, latest))
            for upload, each in self.uploads.items()
        }
        unused = now + 1000 * LONGEST_TICKET
        tickets = {
            digest: msgspec.structs.replace(each, until=min(each.until, unused))
            for digest, each in self.tickets.items()
        }
        return msgspec.structs.replace(
            self, as_of=now, admissions=admissions, uploads=uploads, tickets=tickets
        )

    def pruned(self, rate: Rate) -> OwnerState:
        """Drop what is over, as of its time."""
        history, tickets = self.admissions.history, self.tickets
        freed = rate.freed(self.as_of - STANDSTILL)
        kept = tuple(slot for slot in history.slots if slot[0] > freed)
        valid = {digest: each for digest, each in tickets.items() if each.until > self.as_of}
        if (len(kept), len(valid)) == (len(history.slots), len(tickets)):
            return self
        admissions = Admissions.of(History(kept), self.as_of)
        return msgspec.structs.replace(self, admissions=admissions, tickets=valid)

    def encode(self) -> str:
        """Return the text to store; "" if there is nothing to remember."""
        return "" if self.is_empty else msgspec.json.encode(self).decode()


def decode(text: str) -> OwnerState:
    """Read the text. Raises StateError."""
    if not text:
        return OwnerState()
    try:
        return msgspec.json.decode(text, type=OwnerState)
    except (msgspec.DecodeError, RecursionError) as error:
        raise StateError(str(error)) from error
