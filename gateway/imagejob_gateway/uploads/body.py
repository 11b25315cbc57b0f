"""A request's body: its length is judged before a byte is read, and its bytes are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from imagejob_gateway.problem import ProblemError, ProblemReason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LENGTH = "Content-Length"


class Body(NamedTuple):
    """The bytes of one file, and what the client says of it. `fields` came before it in a form."""

    declared_type: str
    length: int
    chunks: AsyncIterator[bytes]
    fields: dict[str, str]


def announced_length(header: str | None) -> int:
    """Return the body's length. Raises ProblemError if it isn't announced."""
    if header is None:
        raise ProblemError(
            ProblemReason.LENGTH_REQUIRED, "An upload needs a Content-Length.", header=LENGTH
        )
    if not (header.isascii() and header.isdigit()):
        raise ProblemError(
            ProblemReason.INVALID_REQUEST, "The Content-Length isn't a number.", header=LENGTH
        )
    return int(header)


def check_length(length: int, max_bytes: int) -> None:
    """Raise ProblemError for a file that is empty or too large."""
    if length == 0:
        raise ProblemError(ProblemReason.EMPTY_BODY, "The upload has no bytes.")
    if length > max_bytes:
        detail = f"The upload has {length} bytes; the limit is {max_bytes}."
        raise ProblemError(ProblemReason.TOO_LARGE, detail, header=LENGTH)


async def counted(chunks: AsyncIterator[bytes], length: int) -> AsyncIterator[bytes]:
    """Pass on exactly `length` bytes, the last of them only once the stream has ended as announced.

    So a store never has all of an object whose upload fails. Raises ProblemError.
    """
    rest, held = length, b""
    async for chunk in chunks:
        if len(chunk) > rest:
            raise ProblemError(
                ProblemReason.INCOMPLETE_BODY, "The body is longer than announced.", header=LENGTH
            )
        if chunk:
            rest -= len(chunk)
            if held:
                yield held
            held = chunk
    if rest:
        raise ProblemError(
            ProblemReason.INCOMPLETE_BODY, f"The body ended {rest} bytes early.", header=LENGTH
        )
    yield held


class Peeked(NamedTuple):
    """The first bytes of a stream, and all of it."""

    head: bytes
    chunks: AsyncIterator[bytes]


async def peek(chunks: AsyncIterator[bytes], most: int) -> Peeked:
    """Read until `most` bytes are there, or the end is."""
    head = bytearray()
    async for chunk in chunks:
        head += chunk
        if len(head) >= most:
            break
    return Peeked(bytes(head[:most]), followed(bytes(head), chunks))


async def followed(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield `head`, and then what follows it."""
    yield head
    async for chunk in chunks:
        yield chunk
