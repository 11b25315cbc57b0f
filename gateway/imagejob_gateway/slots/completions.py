"""Completing uploads: one slot becomes one ImageJob, however often that is asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imagejob_gateway.images.manifest import NewImage
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import slots, uploads
from imagejob_gateway.state.owner import image_of
from imagejob_gateway.uploads.attempts import is_of_client, undo
from imagejob_gateway.uploads.receiver import Received

from .holder import slot_of
from .reservations import quarantined
from .takeover import Place, copied

if TYPE_CHECKING:
    from imagejob_gateway.config import Settings
    from imagejob_gateway.images.api import ImagesApi
    from imagejob_gateway.images.kinds import Image
    from imagejob_gateway.state.owner import OwnerState, Slot
    from imagejob_gateway.state.state import State
    from imagejob_gateway.storage.buckets import Buckets
    from imagejob_gateway.uploads.attempts import Attempt, Attempts
    from imagejob_gateway.uploads.tally import Tally

    from .holder import Holder


class Completions:
    """Completes uploads. Raises ProblemError.

    `failures` counts, of each slot, what fails through its client. Not of the owner: who has only a
    slot's token must not use up what the owner may do.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        images: ImagesApi,
        buckets: Buckets,
        attempts: Attempts,
        failures: Tally,
    ) -> None:
        self._settings = settings
        self._state = state
        self._images = images
        self._buckets = buckets
        self._attempts = attempts
        self._failures = failures

    async def complete(self, holder: Holder, id_: str) -> Received:
        """Make an ImageJob of what is in the slot; if that was done already, return it again."""
        self._failures.check(_tried(holder.owner, id_))
        state = await self._state.read(holder.owner)
        slot = slot_of(state, id_, holder)
        if slot.phase == "completed":
            return Received(await self._again(id_, slot), is_new=False)
        slots.check_open(state, id_)
        beginning = self._attempts.begin(
            *(holder.owner, image_of(id_), self._settings.prefix, slot.store),
            lambda state: slots.check_open(state, id_),
        )
        async with beginning as attempt:
            try:
                received = await self._received(id_, slot, attempt, state.name)
            except BaseException as error:
                if is_of_client(error):
                    self._failures.count(_tried(holder.owner, id_))
                # Also when we are told to stop.
                await asyncio.shield(self._undo(attempt))
                raise
            await asyncio.shield(self._finish(id_, attempt, received))
        return received

    async def _received(self, id_: str, slot: Slot, attempt: Attempt, name: str) -> Received:
        bucket = self._buckets.open(slot.store)
        place = Place(bucket, quarantined(self._settings, id_), attempt.key)
        sha256 = await copied(place, slot, self._settings.formats)
        if sha256 is not None:
            self._attempts.check(attempt)
            new = NewImage(
                *(image_of(id_), attempt.owner, slot.profile, slot.store, attempt.key, sha256),
                on_behalf_of=name,
                upload=attempt.upload,
            )
            image = await self._images.create(new, self._attempts.patience)
            if image is not None:
                return Received(image, is_new=True)
        earlier = await self._images.read(image_of(id_))
        if earlier is None:
            raise ProblemError(ProblemReason.NOT_UPLOADED, "There is no object in the slot yet.")
        if earlier.owner != attempt.owner:
            detail = f"There is an ImageJob {image_of(id_)}, which isn't of this upload."
            raise ProblemError(ProblemReason.NAME_TAKEN, detail)
        return Received(earlier, is_new=False)

    async def _finish(self, id_: str, attempt: Attempt, received: Received) -> None:
        """Empty the slot, and only then record that it is complete.

        So what is in it later was put there later. If a step fails, the next request to complete
        finds the ImageJob and goes on from there.
        """
        if not received.is_new:
            await self._undo(attempt)
        await self._buckets.open(attempt.store).remove(quarantined(self._settings, id_))

        def completed(state: OwnerState, _: int) -> tuple[OwnerState, None]:
            ended = uploads.ended(state, attempt.upload, created=received.is_new)
            return slots.completed(ended, id_), None

        await self._state.change(attempt.owner, completed)

    async def _undo(self, attempt: Attempt) -> None:
        await undo(attempt, self._attempts, self._images, self._buckets)

    async def _again(self, id_: str, slot: Slot) -> Image:
        """Return the ImageJob, unless the slot was used for another object meanwhile."""
        bucket, key = self._buckets.open(slot.store), quarantined(self._settings, id_)
        if await bucket.stat(key) is not None:
            await bucket.remove(key)
            detail = "The upload was complete before this object came, which is removed."
            raise ProblemError(ProblemReason.SLOT_USED, detail)
        image = await self._images.read(image_of(id_))
        if image is None:
            raise ProblemError(ProblemReason.NOT_FOUND, "The image was deleted.", field="id")
        return image


def _tried(owner: str, id_: str) -> str:
    """Under which name failures are counted: nobody learns of those in another's slot."""
    return f"{owner}/{id_}"
