"""The key of the gateway's own tokens, which all replicas share.

It is in the state, under a name that no owner has: the first replica that needs it makes it, by
compare-and-swap like everything there. Who may read ConfigMaps can read it; auth/sealed.py says
what that is worth.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from imagejob_gateway.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .owner import OwnerState
    from .state import State

GATEWAY = "gateway"
"""In place of an owner, which is 40 digits in hex."""

KEY_BYTES = 32
SECONDS = 30.0
"""How long a key is taken for the current one: it changes only if the state was deleted."""


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

    async def current(self) -> bytes:
        """Return the key. It is read at most once in a while, whoever asks. Raises ProblemError."""
        now = self._clock()
        if not self._key:
            self._key, self._looked = await self._made(), now
        elif now >= self._looked + SECONDS:
            self._looked = now  # meanwhile, the last one serves
            with suppress(ProblemError):  # the state has logged it; the last one serves on
                self._key = await self._made()
        return bytes.fromhex(self._key)

    async def _made(self) -> str:
        """Return the key that is stored, which may be a new one."""
        new = self._random(KEY_BYTES).hex()

        def made(state: OwnerState, _: int) -> tuple[OwnerState, str]:
            key = state.key or new
            return msgspec.structs.replace(state, key=key), key

        return await self._state.change(GATEWAY, made)
