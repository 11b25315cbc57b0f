"""Requests and answers: HTTP/1.1 as far as S3 needs it, with a bound on all a server may say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from imagejob_worker.storage.pace import LateError, Patience, SlowError
from imagejob_worker.storage.wire import CutError, Wire, WireError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from imagejob_worker.storage.wire import Place

MOST_BYTES: Final = 64 * 1024
"""What is read of an answer's head, and of the body of one that isn't an object."""

_VERSIONS = (b"HTTP/1.0", b"HTTP/1.1")
_MOST_LINE = 8 * 1024  # of a chunk's length, and of a trailer


class Body(NamedTuple):
    """An open file to send, its length, and its SHA-256 in hexadecimal."""

    file: int
    size: int
    sha256: str


class Answer(NamedTuple):
    """The head of an answer. Names of headers are in lower case."""

    status: int
    phrase: str
    headers: Mapping[str, str]
    version: int  # of HTTP: 1 is 1.1

    @property
    def length(self) -> int | None:
        """The length of the body, if it is announced. Raises WireError."""
        length = self.headers.get("content-length")
        if length is None or self.is_chunked:
            return None
        if not (length.isascii() and length.isdigit() and len(length) <= 18):
            raise WireError("its answer has no sensible length")
        return int(length)

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in pieces that each say their length."""
        return self.headers.get("transfer-encoding", "").lower() == "chunked"

    @property
    def is_last(self) -> bool:
        """Whether the connection ends with it."""
        return not self.version or self.headers.get("connection", "").lower() == "close"


class Connection:
    """One connection, for one exchange after another. Raises as Wire does."""

    def __init__(self, place: Place, context: ssl.SSLContext | None, patience: Patience) -> None:
        """Connect."""
        self._wire = Wire(place, context, patience)
        self._is_plain = context is None
        self._came = b""
        self._may_go_on = False  # once the answer's body has been read
        self.is_reusable = False  # nothing is under way on it

    def close(self) -> None:
        """Let go of it."""
        self._wire.close()

    def ask(self, head: bytes, body: Body | None, patience: Patience) -> Answer:
        """Send a request; return the head of its answer."""
        self.is_reusable = False
        whole = body is None
        try:
            self._wire.send(head, patience)
            if body:
                whole = self._wire.send_file(body.file, body.size, patience)
        except CutError:
            whole = False  # what it has said before is more telling
        try:
            answer = self._head(patience.unhurried())
        except CutError as error:
            if self._is_plain and not self._came:
                raise CutError(f"{error} without an answer; does it speak TLS?") from error
            raise
        self._may_go_on = whole and not answer.is_last
        return answer

    def body(self, answer: Answer, patience: Patience) -> Iterator[bytes]:
        """Yield the body as it comes. Raises CutError if it ends early."""
        if answer.is_chunked:
            yield from self._chunks(patience)
        elif answer.length is not None:
            yield from self._exactly(answer.length, patience)
        else:
            while piece := self._some(patience):
                yield piece
            return
        self.is_reusable = self._may_go_on and not self._came

    def excerpt(self, answer: Answer, patience: Patience) -> bytes:
        """Read the body of an error: no more than MOST_BYTES, nor for longer than a step may take.

        Whatever came is better than nothing: a server that says 404 has said it.
        """
        read, brief = b"", Patience(patience.step())
        try:
            for piece in self.body(answer, brief):
                read += piece
                if len(read) >= MOST_BYTES or b"</Code>" in read:
                    break
        except (WireError, LateError, SlowError):
            return read[:MOST_BYTES]
        return read[:MOST_BYTES]

    def _head(self, patience: Patience) -> Answer:
        """Read a head, and those that only say that one will come, within one step."""
        until = patience.step()
        left = MOST_BYTES
        while True:
            text = self._upto(b"\r\n\r\n", left, until, patience)
            left -= len(text)
            answer = _parsed(text)
            if answer.status >= 200:
                return answer

    def _upto(self, end: bytes, most: int, until: float, patience: Patience) -> bytes:
        while (at := self._came.find(end)) < 0:
            if len(self._came) > most:
                raise WireError("its answer's head has no end")
            if self._came[:1] in (b"\x15", b"\x16"):
                raise WireError("it speaks TLS; is its endpoint https://?")
            piece = self._wire.receive(until, patience)
            if not piece:
                raise CutError
            self._came += piece
        text, self._came = self._came[:at], self._came[at + len(end) :]
        return text

    def _some(self, patience: Patience) -> bytes:
        """Return what has come already, or what comes next; nothing at the end."""
        piece = self._came or self._wire.receive(patience.step(), patience)
        self._came = b""
        patience.moved(len(piece))
        return piece

    def _exactly(self, size: int, patience: Patience) -> Iterator[bytes]:
        while size:
            piece = self._some(patience)
            if not piece:
                raise CutError
            piece, self._came = piece[:size], piece[size:]
            size -= len(piece)
            yield piece

    def _chunks(self, patience: Patience) -> Iterator[bytes]:
        while size := self._chunk_size(patience):
            yield from self._exactly(size, patience)
            if self._line(patience):
                raise WireError("its answer is no chunked body")
        trailers = 0
        while trailer := self._line(patience):
            trailers += len(trailer)
            if trailers > MOST_BYTES:
                raise WireError("its answer has no end")

    def _chunk_size(self, patience: Patience) -> int:
        size = self._line(patience).partition(b";")[0].strip()
        if not 0 < len(size) < 16 or size.strip(b"0123456789ABCDEFabcdef"):
            raise WireError("its answer is no chunked body")
        return int(size, 16)

    def _line(self, patience: Patience) -> bytes:
        line = self._upto(b"\r\n", _MOST_LINE, patience.step(), patience)
        patience.moved(0)
        return line


def _parsed(text: bytes) -> Answer:
    first, *lines = text.split(b"\r\n")
    version, _, status = first.partition(b" ")
    number, _, phrase = status[:64].decode("latin-1").partition(" ")
    if version not in _VERSIONS or len(number) != 3 or not (number.isascii() and number.isdigit()):
        raise WireError("its answer isn't HTTP")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        key, value = name.lower(), value.strip()
        if not colon or (headers.get(key, value) != value and key == "content-length"):
            raise WireError("its answer's head isn't HTTP")
        headers[key] = value
    return Answer(int(number), phrase, headers, _VERSIONS.index(version))
