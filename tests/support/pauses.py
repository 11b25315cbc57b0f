"""Programs paused and resumed at random, as by a busy node, a debugger or a closed laptop."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from imagejob_dev.program import Program

PAUSE_SECONDS = (0.2, 3.0)
RUN_SECONDS = (0.1, 2.0)


@contextmanager
def paused_at_random(program: Program, dice: Random) -> Iterator[list[float]]:
    """While the block runs; the seconds of each pause. Its end cuts the last one short."""
    over = threading.Event()
    pauses: list[float] = []

    def pause() -> None:
        assert program.pid
        while not over.wait(dice.uniform(*RUN_SECONDS)):
            pauses.append(dice.uniform(*PAUSE_SECONDS))
            os.kill(program.pid, signal.SIGSTOP)
            over.wait(pauses[-1])
            os.kill(program.pid, signal.SIGCONT)

    thread = threading.Thread(target=pause, name=f"pauses of {program.name}")
    thread.start()
    try:
        yield pauses
    finally:
        over.set()
        thread.join()
