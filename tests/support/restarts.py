"""Programs that are started again when they end, as a kubelet does."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagejob_dev.program import Program


@contextmanager
def kept_running(programs: Sequence[Program], pause: float = 0.1) -> Iterator[list[int]]:
    """Start each of them again a moment after it has ended by itself. Gives their exit codes."""
    over, exits = threading.Event(), list[int]()

    def keep() -> None:
        while not over.wait(pause):
            for program in programs:
                if program.died:
                    exits.append(program.wait_ended())
                    program.launch()

    thread = threading.Thread(target=keep, name="keeps programs running")
    thread.start()
    try:
        yield exits
    finally:
        over.set()
        thread.join()
