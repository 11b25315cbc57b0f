"""Changes of owners' states: one write at a time per shard, each by compare-and-swap.

Changes that wait for the same shard are written together. What is decided is always decided on what
is stored: either the write that goes with it has succeeded, or it was read after it was asked for.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from imagejob_operator.kube.errors import ApiError, ConflictError, NotFoundError
from imagejob_operator.observability.logging import fields

from imagejob_gateway.problem import ProblemError, ProblemReason

from . import owner as owners
from .owner import OwnerState, StateError
from .shards import NAME, SHARDS, UnreadableError, shard_of, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imagejob_operator.observability.logging import Value
    from imagejob_operator.quota.rates import Rate

    from .shards import Shards, Stored

log = logging.getLogger(__name__)

T = TypeVar("T")

OWNER_BYTES = 32 * 1024
"""The most that one owner's state may have: a subject that fills its own locks out nobody else."""

SHARD_BYTES = 768 * 1024
"""The most that one shard's data may have. A ConfigMap may have 1 MiB."""

SHARE = 8
"""An owner's state grows to this part of what its shard has left at most. So many large ones leave
room for those that need little (Choudhury and Hahne, Dynamic Queue Length Thresholds, 1998)."""

ATTEMPTS = 50
"""Writes that others may be ahead of. Of those that collide, one always succeeds."""


class _Asked(msgspec.Struct):
    """A change that waits, and then its result."""

    owner: str
    decide: Callable[[OwnerState, int], tuple[OwnerState, Any]]
    answer: asyncio.Future[Any]


class _Shard:
    """What is known of one shard, and who waits for it."""

    def __init__(self) -> None:
        self.waiting: list[_Asked] = []
        self.stored: Stored | None = None
        self.work: asyncio.Task[None] | None = None


class State:
    """The states of all owners. `clock` returns milliseconds since the epoch.

    Methods raise ProblemError: 503 if the API server fails, if what is stored can't be read, or
    beyond the bounds. Nothing is ever admitted without a record of it.
    """

    def __init__(self, shards: Shards, rate: Rate, clock: Callable[[], int]) -> None:
        self._api = shards
        self._rate = rate
        self._clock = clock
        self._shards = [_Shard() for _ in range(SHARDS)]

    async def change(
        self, owner: str, decide: Callable[[OwnerState, int], tuple[OwnerState, T]]
    ) -> T:
        """Replace an owner's state by what `decide` makes of it, and return its result.

        `decide` is pure, gets the state and the time, and may run again, after a conflict or a
        write without an answer: it has to recognize what it has done already. What it raises is
        raised here, and changes nothing.
        """
        loop = asyncio.get_running_loop()
        asked = _Asked(owner, decide, loop.create_future())
        shard = self._shards[shard_of(owner)]
        shard.waiting.append(asked)
        if shard.work is None:
            # A task: a client that goes away must not end what others wait for.
            shard.work = loop.create_task(self._work(shard_of(owner), shard))
        answer: T = await asked.answer
        return answer

    async def read(self, owner: str) -> OwnerState:
        """Return an owner's state as it is now."""
        return await self.change(owner, lambda state, _: (state, state))

    async def read_shard(self, shard: int) -> dict[str, OwnerState]:
        """Return all states of a shard, without those that can't be read; what is over is dropped.

        Raises ProblemError if the shard as a whole can't be read.
        """
        try:
            stored = await self._api.read(shard)
        except ApiError as error:
            raise _problem(error, shard) from error
        states = await asyncio.gather(*map(self._read_if_possible, stored.data))
        return {owner: state for owner, state in zip(stored.data, states, strict=True) if state}

    async def _read_if_possible(self, owner: str) -> OwnerState | None:
        try:
            return await self.read(owner)
        except ProblemError:  # it is logged
            return None

    async def _work(self, number: int, shard: _Shard) -> None:
        try:
            while shard.waiting:
                batch, shard.waiting = shard.waiting, []
                try:
                    await self._settle(number, shard, batch)
                except Exception as error:  # noqa: BLE001 (it is raised where it was asked for)
                    shard.stored = None
                    raised = _problem(error, number) if isinstance(error, ApiError) else error
                    _answer(batch, dict.fromkeys(range(len(batch)), raised))
        finally:
            shard.work = None

    async def _settle(self, number: int, shard: _Shard, batch: Sequence[_Asked]) -> None:
        """Decide and write until it is done, once for all of the batch."""
        is_current = shard.stored is None
        known = shard.stored or await self._api.read(number)
        for _ in range(ATTEMPTS):
            round_ = _Round(number, known, self._rate, self._clock())
            results = {at: round_.run(each) for at, each in enumerate(batch)}
            if round_.changed:
                try:
                    shard.stored = await self._api.write(number, known, round_.changed)
                except ConflictError:
                    known, is_current = await self._api.read(number), True
                    continue
            elif not is_current:
                known, is_current = await self._api.read(number), True
                continue
            else:
                shard.stored = known
            _answer(batch, results)
            return
        raise ApiError(409, "others were always ahead")


class _Round:
    """The decisions of one batch on one version of a shard, one upon the other.

    `changed` is what they would have written: texts by owner.
    """

    def __init__(self, number: int, known: Stored, rate: Rate, now: int) -> None:
        self._number = number
        self._known = known
        self._rate = rate
        self._now = now
        self._size = known.size
        self._stored: dict[str, OwnerState] = {}
        self._states: dict[str, OwnerState] = {}
        self.changed: dict[str, str] = {}

    def run(self, asked: _Asked) -> object:
        """Return the result, or the exception."""
        try:
            before = self._state(asked.owner)
            after, result = asked.decide(before, before.as_of)
            self._put(asked.owner, after)
        except Exception as error:  # noqa: BLE001 (it is raised where it was asked for)
            return error
        return result

    def _state(self, owner: str) -> OwnerState:
        if owner not in self._states:
            try:
                stored = owners.decode(self._known.data.get(owner, ""))
            except StateError as error:
                raise _unreadable(self._number, f"{owner}: {error}") from error
            self._stored[owner] = stored
            self._states[owner] = stored.at(self._now).pruned(self._rate)
        return self._states[owner]

    def _put(self, owner: str, state: OwnerState) -> None:
        """Have it written, unless only the time has changed."""
        before = self.changed.get(owner, self._known.data.get(owner, ""))
        is_changed = _timeless(state) != _timeless(self._stored[owner])
        text = state.encode() if is_changed else self._known.data.get(owner, "")
        size = size_of(owner, text)
        grown = size - size_of(owner, before)
        left = SHARD_BYTES - self._size - grown
        if grown > 0 and size > min(OWNER_BYTES, left // SHARE):
            raise _full(self._number, owner)
        self._size += grown
        self._states[owner] = state
        if is_changed:
            self.changed[owner] = text
        else:
            self.changed.pop(owner, None)


def _timeless(state: OwnerState) -> OwnerState:
    return msgspec.structs.replace(state, as_of=0)


def _answer(batch: Sequence[_Asked], results: Mapping[int, object]) -> None:
    for at, each in enumerate(batch):
        if each.answer.done():  # nobody waits any more
            continue
        result = results[at]
        if isinstance(result, Exception):
            each.answer.set_exception(result)
        else:
            each.answer.set_result(result)


def _problem(error: ApiError, number: int) -> ProblemError:
    if isinstance(error, NotFoundError):
        return _unreadable(number, "it doesn't exist; apply the chart again")
    if isinstance(error, UnreadableError):
        return _unreadable(number, error.message)
    log.warning("the state can't be changed: %s", error, extra=_about(number))
    return ProblemError(
        ProblemReason.API_SERVER_UNAVAILABLE, "The API server can't be used now. Try again."
    )


def _unreadable(number: int, why: str) -> ProblemError:
    log.error("the state can't be read, so nothing is admitted: %s", why, extra=_about(number))
    detail = f"What the gateway remembers, in {NAME.format(number)}, can't be read."
    return ProblemError(ProblemReason.STATE_UNREADABLE, detail)


def _full(number: int, owner: str) -> ProblemError:
    log.warning("the state is full, so nothing more is admitted: %s", owner, extra=_about(number))
    return ProblemError(
        ProblemReason.STATE_FULL,
        "The gateway's state is full. Try again later, or with fewer uploads at once.",
    )


def _about(number: int) -> dict[str, dict[str, Value]]:
    return fields(configmap=NAME.format(number))
