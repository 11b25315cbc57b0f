"""Slots until they are used: reserved, looked at, given back, or left to expire."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from imagejob_operator.observability.logging import fields

from imagejob_gateway.auth.sealed import Kind
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import slots
from imagejob_gateway.state.owner import Slot

from . import wanted as wants
from .holder import slot_to_change

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from imagejob_gateway.auth.caller import Caller
    from imagejob_gateway.auth.seals import Seals
    from imagejob_gateway.config import ProfileSettings, Settings
    from imagejob_gateway.state.owner import OwnerState
    from imagejob_gateway.state.state import State
    from imagejob_gateway.storage.bucket import Bucket
    from imagejob_gateway.storage.buckets import Buckets
    from imagejob_gateway.storage.direct import Direct

    from .holder import Holder
    from .wanted import Wanted

log = logging.getLogger(__name__)

ID_BYTES = 12
"""96 bits: nobody guesses another's."""


class Reserved(NamedTuple):
    """A slot as its owner gets it; `expires` is in milliseconds since the epoch."""

    id: str
    expires: int
    token: str
    request: Direct


class _Draft(NamedTuple):
    id: str
    wanted: Wanted
    slot: Slot


class Reservations:
    """Reserves slots. Methods raise ProblemError.

    `profile` finds a profile by the name that a client gives; `check_quota` is of the namespace.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        buckets: Buckets,
        profile: Callable[[str], ProfileSettings],
        check_quota: Callable[[], None],
        random: Callable[[int], bytes],
        seals: Seals,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._state = state
        self._buckets = buckets
        self._profile = profile
        self._check_quota = check_quota
        self._random = random
        self._seals = seals
        self._now = now

    async def reserve(
        self, caller: Caller, wanted: Sequence[Wanted], seconds: int
    ) -> list[Reserved]:
        """Reserve a slot for each file, all or none, for so many seconds at most."""
        drafts = [self._draft(each) for each in wanted]
        self._check_quota()
        stores = {each.slot.store for each in drafts}
        lifetime = self._lifetime(stores, seconds)
        # Each is opened once: that reads its Secret's files.
        buckets = {store: self._buckets.open(store) for store in stores}
        # Signed before they are recorded: no URL outlives its slot, and no slot is without one.
        requests = [self._signed(each, buckets, lifetime) for each in drafts]
        known = lifetime + slots.GRACE // 1000
        tokens = [
            await self._seals.make(Kind.SLOT, caller.owner, known, each.id) for each in drafts
        ]
        rate, most = self._settings.rate, self._settings.slots.max_open

        def reserved(state: OwnerState, now: int) -> tuple[OwnerState, int]:
            new = {
                each.id: slots.opened(each.slot, token.digest, now + lifetime * 1000)
                for each, token in zip(drafts, tokens, strict=True)
            }
            after = slots.reserved(state, rate, most, caller.on_behalf_of, new)
            return after, after.slots[drafts[0].id].expires

        expires = await self._state.change(caller.owner, reserved)
        return [
            Reserved(each.id, expires, token.text, request)
            for each, token, request in zip(drafts, tokens, requests, strict=True)
        ]

    async def look(self, holder: Holder, id_: str) -> tuple[OwnerState, Slot]:
        """Return a slot, and the state that it is in."""
        state = await self._state.read(holder.owner)
        return state, slot_to_change(state, id_, holder)

    async def give_back(self, holder: Holder, id_: str) -> None:
        """Give a slot back, and remove what is in it.

        It is remembered until its URL has expired, and what is written meanwhile removed then.
        """

        def returned(state: OwnerState, _: int) -> tuple[OwnerState, Slot]:
            slot = slot_to_change(state, id_, holder)
            return slots.returned(state, id_), slot

        slot = await self._state.change(holder.owner, returned)
        await self._buckets.open(slot.store).remove(quarantined(self._settings, id_))

    def _draft(self, wanted: Wanted) -> _Draft:
        announced = wanted.announced
        format_ = wants.check(announced, self._settings.byte_limit, self._settings.formats)
        profile = self._profile(wanted.profile)
        slot = Slot(
            expires=0,
            token="",
            store=self._settings.store_of(profile),
            profile=profile.name,
            format=format_,
            length=announced.length,
            sha256=announced.sha256,
        )
        return _Draft(self._random(ID_BYTES).hex(), wanted, slot)

    def _lifetime(self, stores: set[str], seconds: int) -> int:
        """Return for how many seconds slots are valid: a URL ends with what it is signed by."""
        now = self._now()
        left = min(self._buckets.seconds_left(store, now) for store in stores)
        if left < 1:
            raise ProblemError(
                ProblemReason.STORAGE_UNAVAILABLE, "The store's credentials have expired."
            )
        return int(min(seconds or self._settings.slots.seconds, left))

    def _signed(self, draft: _Draft, buckets: Mapping[str, Bucket], seconds: int) -> Direct:
        key = quarantined(self._settings, draft.id)
        return buckets[draft.slot.store].direct(key, draft.wanted.announced, seconds)


class LeftSlot(NamedTuple):
    """A slot that nobody can write to any more."""

    id: str
    slot: Slot


class LeftSlots:
    """See Leftovers: removes what was written to a slot in vain or too late."""

    def __init__(self, settings: Settings, state: State, buckets: Buckets) -> None:
        self._settings = settings
        self._state = state
        self._buckets = buckets

    def overdue(self, state: OwnerState, now: int) -> Sequence[LeftSlot]:
        """See Leftovers."""
        return [LeftSlot(*each) for each in slots.overdue(state, now).items()]

    async def settle(self, owner: str, left: LeftSlot) -> None:
        """See Leftovers."""
        store, key = left.slot.store, quarantined(self._settings, left.id)
        if store in self._buckets.names:
            await self._buckets.open(store).remove(key)
        else:
            extra = fields(owner=owner, key=key, store=store)
            log.warning("a slot may have left an object in a store that isn't ours", extra=extra)
        await self._state.change(owner, lambda state, _: (slots.dropped(state, left.id), None))


def quarantined(settings: Settings, id_: str) -> str:
    """Return the key that a slot's URL leads to."""
    return f"{settings.slots.prefix}/{id_}"
