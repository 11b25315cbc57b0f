"""A request's body as it comes, from clients that aren't too slow: each holds a connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from imagejob_gateway.problem import ProblemError, ProblemReason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

IDLE_SECONDS = 30.0
"""How long a client may send nothing."""


class Patience:
    """How long to wait for the next bytes: what comes earns time, at `rate` bytes a second.

    Time runs out for who sends nothing for so many `seconds`, or less than `rate` for long. More
    than `seconds` can't be earned, so the rate has to hold throughout, and not only on average.
    """

    def __init__(self, rate: int, seconds: float) -> None:
        self._rate = rate
        self._most = seconds
        self.seconds = seconds

    def came(self, length: int, waited: float) -> None:
        """Count what came after a time."""
        self.seconds = min(self._most, self.seconds - waited + length / self._rate)


async def received(request: Request, rate: int) -> AsyncIterator[bytes]:
    """Yield what comes. Raises ProblemError.

    Only the time that we wait for the client counts: a slow store isn't its fault.
    """
    stream, patience = request.stream(), Patience(rate, IDLE_SECONDS)
    clock = asyncio.get_running_loop().time
    while True:
        began = clock()
        try:
            async with asyncio.timeout(patience.seconds):
                chunk = await anext(stream, None)
        except ClientDisconnect as error:
            raise ProblemError(ProblemReason.INCOMPLETE_BODY, "The client went away.") from error
        except TimeoutError as error:
            detail = f"Less than {rate} bytes a second came for {IDLE_SECONDS:.0f} seconds."
            raise ProblemError(ProblemReason.TOO_SLOW, detail) from error
        if chunk is None:
            return
        patience.came(len(chunk), clock() - began)
        yield chunk
