"""Connections to one server, kept for the next request; and what is tried again."""

from __future__ import annotations

import os
import time
from _thread import allocate_lock
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from imagejob_worker.storage.exchange import Answer, Connection
from imagejob_worker.storage.wire import CutError, WireError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from imagejob_worker.storage.exchange import Body
    from imagejob_worker.storage.pace import Patience
    from imagejob_worker.storage.wire import Place

T = TypeVar("T")

# A store that refuses connections, or says that it is failing, is given up within some 4 seconds;
# what comes after is for the operator's backoff.
RETRIES: Final = 5
_RETRY_SECONDS = 8.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class AnsweredError(WireError):
    """A store answers that it won't, or can't; `text` is what it says, at most 64 KiB of it."""

    def __init__(self, answer: Answer, text: str) -> None:
        status = f"{answer.status} {answer.phrase}".rstrip()
        super().__init__(f"it answers {status}", again=answer.status >= 500 or answer.status == 429)
        self.status = answer.status
        self.text = text


class Client:
    """One server, for any thread. Raises what Connection raises, and AnsweredError."""

    def __init__(self, place: Place, context: ssl.SSLContext | None) -> None:
        """Connect to nothing yet."""
        self._place = place
        self._context = context
        self._idle: list[Connection] = []
        self._lock = allocate_lock()

    def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.close()

    @contextmanager
    def request(
        self,
        line: str,
        headers: Mapping[str, str],
        body: Body | None,
        patience: Patience,
    ) -> Iterator[tuple[Connection, Answer]]:
        """Send a request; give the answer if it is of the kind 2xx, whose body may then be read."""
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        text = f"{line} HTTP/1.1\r\nuser-agent: imagejob-worker\r\n{head}\r\n"
        connection, answer = self._asked(text.encode(), body, patience)
        try:
            if not 200 <= answer.status < 300:
                excerpt = connection.excerpt(answer, patience).decode(errors="replace")
                raise AnsweredError(answer, excerpt)
            yield connection, answer
        finally:
            self._let_go(connection)

    def _asked(
        self, head: bytes, body: Body | None, patience: Patience
    ) -> tuple[Connection, Answer]:
        """Ask over a connection that is idle, and over a new one if it is gone by now."""
        while connection := self._an_idle_one():
            try:
                return connection, connection.ask(head, body, patience)
            except CutError:
                connection.close()
            except BaseException:
                connection.close()
                raise
        connection = Connection(self._place, self._context, patience)
        try:
            return connection, connection.ask(head, body, patience)
        except BaseException:
            connection.close()
            raise

    def _an_idle_one(self) -> Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _let_go(self, connection: Connection) -> None:
        if connection.is_reusable:
            with self._lock:
                self._idle.append(connection)
        else:
            connection.close()


def persistently(attempt: Callable[[], T], end: float) -> T:
    """Try again what a moment may cure, but not for long, and not past `end`."""
    last = min(end, time.monotonic() + _RETRY_SECONDS)
    pause = _FIRST_PAUSE
    for _ in range(RETRIES):
        try:
            return attempt()
        except WireError as error:
            # Not all at the same moment: a store that fails, fails many.
            wait = pause * (0.5 + os.urandom(1)[0] / 512)
            if not error.again or time.monotonic() + wait >= last:
                raise
        time.sleep(wait)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return attempt()
