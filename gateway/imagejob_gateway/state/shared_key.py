"""The key of the gateway's own tokens, which all replicas share.

It is in the state, under a name that no owner has: the first replica that needs it makes it, by
compare-and-swap like everything there. Who may read ConfigMaps can read it; auth/sealed.py says
what that is worth.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from imagejob_gateway.problem import RETRY_SECONDS, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .owner import OwnerState
    from .state import State

GATEWAY = "gateway"
"""In place of an owner, which is 40 digits in hex."""

KEY_BYTES = 32
SECONDS = 30.0
"""How long a key is taken for the current one: it changes only if the state was deleted."""

PAUSE_SECONDS = float(RETRY_SECONDS)
"""How long nothing is asked after a failure while no key is known: anybody can send tokens."""


class SharedKey:
    """`clock` is monotonic, in seconds."""

    def __init__(
        self, state: State, random: Callable[[int], bytes], clock: Callable[[], float]
    ) -> None:
        self._state = state
        self._random = random
        self._clock = clock
        self._key = ""
        self._looked = float("-inf")
        self._failed: ProblemError | None = None

    async def current(self) -> bytes:
        """Return the key. It is read at most once in a while, whoever asks. Raises ProblemError."""
        now = self._clock()
        if not self._key:
            await self._first(now)
        elif now >= self._looked + SECONDS:
            self._looked = now  # meanwhile, the last one serves
            with suppress(ProblemError):  # the state has logged it; the last one serves on
                self._key = await self._made()
        return bytes.fromhex(self._key)

    async def _first(self, now: float) -> None:
        if self._failed is not None and now < self._looked + PAUSE_SECONDS:
            raise self._failed.with_traceback(None)
        try:
            self._key, self._failed = await self._made(), None
        except ProblemError as error:
            self._failed = error
            raise
        finally:
            self._looked = now

    async def _made(self) -> str:
        """Return the key that is stored; if there is none, store the one that is known.

        So tokens stay good if the entry is lost: their owners' states may still be there.
        """
        new = self._key or self._random(KEY_BYTES).hex()

        def made(state: OwnerState, _: int) -> tuple[OwnerState, str]:
            key = state.key or new
            return msgspec.structs.replace(state, key=key), key

        return await self._state.change(GATEWAY, made)
