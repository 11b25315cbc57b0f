"""What is going on, for a person: one live line on a terminal, a few plain lines anywhere else."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN_SECONDS = 20.0  # in a CI log: often enough to see that it lives, seldom enough to read


class Progress:
    """Reports one step after another: `start`, any number of `tick`s, `done`."""

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._live = self._stream.isatty()
        self._title = ""
        self._began = self._shown = clock()

    def start(self, title: str) -> None:
        self._title = title
        self._began = self._shown = self._clock()
        if self._live:
            self._rewrite(title)
        else:
            self._line(f"{title} …")

    def tick(self, detail: str) -> None:
        """`detail` is what is being worked on this moment."""
        now = self._clock()
        if self._live:
            self._rewrite(f"{self._title}  {self._elapsed()}  {detail}")
        elif now - self._shown >= PLAIN_SECONDS:
            self._shown = now
            self._line(f"{self._title}  {self._elapsed()}  {detail}")

    def done(self, outcome: str = "done") -> None:
        if self._live:
            self._stream.write("\r\033[K")
        self._line(f"{self._title}: {outcome} in {self._elapsed()}")

    def _elapsed(self) -> str:
        seconds = int(self._clock() - self._began)
        return f"{seconds // 60}:{seconds % 60:02d}"

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()

    def _rewrite(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._stream.write("\r\033[K" + text[:width])
        self._stream.flush()
