"""multipart/form-data whose file is passed on as it comes.

The store wants to know a file's length before its first byte, and a form doesn't say it. So the
file has to be the form's last part, as in S3's own forms: what then follows it is known, and with
it where it ends. Fields come before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from imagejob_gateway.problem import ProblemError, ProblemReason

from .body import Body, followed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

FILE = "file"
"""The name of the part that is the file."""

MOST_BEFORE_FILE = 16 * 1024
"""Bytes of fields and headers before the file."""

MOST_OVERHEAD = MOST_BEFORE_FILE + 1024
"""Bytes by which a form may exceed its file."""

MOST_PARTS = 16

ORDER = "The file has to be its last part, with nothing but a line break after the form's end."


def boundary_of(content_type: str) -> str | None:
    """Return a form's boundary; None for another type of body. Raises ProblemError."""
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data":
        return None
    boundary: str = options.get("boundary", "")
    if not 0 < len(boundary) <= 70 or not boundary.isascii():
        raise ProblemError(
            ProblemReason.INVALID_REQUEST, "The form has no valid boundary.", header="Content-Type"
        )
    return boundary


async def read(boundary: str, length: int, chunks: AsyncIterator[bytes]) -> Body:
    """Read the fields, up to the file. Raises ProblemError, also from the file's chunks."""
    return await _Form(boundary, length, chunks).file()


class _Form:
    def __init__(self, boundary: str, length: int, chunks: AsyncIterator[bytes]) -> None:
        self._end = len(f"\r\n--{boundary}--\r\n")
        self._length = length
        self._chunks = chunks
        self._fields: dict[str, str] = {}
        self._parser = PushMultipartParser(
            boundary,
            content_length=length,
            max_header_size=4096,
            max_header_count=8,
            max_segment_count=MOST_PARTS,
        )
        self._name = self._declared_type = ""
        self._value = bytearray()

    async def file(self) -> Body:
        """Read up to the file."""
        before = 0
        async for chunk in self._chunks:
            for at in range(len(chunk)):  # one by one: the parser doesn't say where it is
                before += 1
                if self._is_at_file(chunk[at : at + 1]):
                    length = max(0, self._length - before - self._end)
                    content = self._content(chunk[at + 1 :], length)
                    return Body(self._declared_type, length, content, self._fields)
                if before >= MOST_BEFORE_FILE:
                    raise _malformed(f"There is no file in its first {MOST_BEFORE_FILE} bytes.")
        raise _malformed(f"It has no file: a part named {FILE!r}, with a file name.")

    def _is_at_file(self, byte: bytes) -> bool:
        """Whether the file's first byte is the next one."""
        is_file = False
        for event in self._events(byte):
            if isinstance(event, MultipartSegment):
                self._name, self._declared_type = event.name, event.content_type or ""
                is_file = event.name == FILE and event.filename is not None
            elif event:
                self._value += event
            else:
                self._fields[self._name] = self._value.decode(errors="replace")
                self._value.clear()
        return is_file

    async def _content(self, rest: bytes, length: int) -> AsyncIterator[bytes]:
        async for chunk in followed(rest, self._chunks):
            for data in self._file_data(chunk):
                length -= len(data)
                if length < 0:
                    raise _malformed(ORDER)
                yield data
        try:
            self._parser.close()
        except MultipartError as error:
            raise _malformed(str(error)) from error
        if length:
            raise _malformed(ORDER)

    def _file_data(self, data: bytes) -> Iterator[bytes]:
        for event in self._events(data):
            if isinstance(event, MultipartSegment):
                raise _malformed(ORDER)
            if event:
                yield bytes(event)

    def _events(self, data: bytes) -> Iterator[MultipartSegment | bytearray | None]:
        if not data:  # the parser would take it for the end
            return
        try:
            yield from self._parser.parse(data)
        except MultipartError as error:
            raise _malformed(str(error)) from error


def _malformed(why: str) -> ProblemError:
    return ProblemError(ProblemReason.INVALID_REQUEST, f"The form can't be read. {why}", field=FILE)
