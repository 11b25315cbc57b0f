"""Lengths: announced, kept to, or refused before the last byte is passed on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.uploads.body import announced_length, check_length, counted, peek


async def stream(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def passed_on(pieces: Sequence[bytes], length: int) -> tuple[bytes, ProblemReason | None]:
    """What a store gets, and the problem that ends it."""

    async def run() -> tuple[bytes, ProblemReason | None]:
        got = b""
        try:
            async for chunk in counted(stream(pieces), length):
                got += chunk
        except ProblemError as error:
            return got, error.problem.reason
        return got, None

    return asyncio.run(run())


@pytest.mark.parametrize("pieces", [[b"abcdef"], [b"abc", b"", b"def"], [b"", b"abcde", b"f"]])
def test_a_body_as_long_as_announced_is_passed_on(pieces: list[bytes]) -> None:
    assert passed_on(pieces, 6) == (b"abcdef", None)


WRONG = {
    "shorter": ([b"abc", b"de"], 6),
    "longer, in one piece": ([b"abcdefg"], 6),
    "longer, by another piece": ([b"abc", b"def", b"g"], 6),
}


@pytest.mark.parametrize(("pieces", "length"), WRONG.values(), ids=WRONG)
def test_a_store_never_gets_all_of_another_body(pieces: list[bytes], length: int) -> None:
    got, reason = passed_on(pieces, length)

    assert reason == ProblemReason.INCOMPLETE_BODY
    assert len(got) < length


@pytest.mark.parametrize("most", [1, 3, 4, 100])
def test_a_peek_takes_nothing_away(most: int) -> None:
    async def run() -> tuple[bytes, bytes]:
        head, chunks = await peek(stream([b"abc", b"def", b"g"]), most)
        return head, b"".join([chunk async for chunk in chunks])

    assert asyncio.run(run()) == (b"abcdefg"[:most], b"abcdefg")


LENGTHS = {
    "none": (None, ProblemReason.LENGTH_REQUIRED),
    "no number": ("12a", ProblemReason.INVALID_REQUEST),
    "negative": ("-1", ProblemReason.INVALID_REQUEST),
    "another digit": ("\u0663", ProblemReason.INVALID_REQUEST),
}


@pytest.mark.parametrize(("header", "reason"), LENGTHS.values(), ids=LENGTHS)
def test_a_length_is_a_number(header: str | None, reason: ProblemReason) -> None:
    with pytest.raises(ProblemError) as raised:
        announced_length(header)

    assert raised.value.problem.reason == reason
    assert raised.value.problem.header == "Content-Length"


@pytest.mark.parametrize(
    ("length", "reason"), [(0, ProblemReason.EMPTY_BODY), (11, ProblemReason.TOO_LARGE)]
)
def test_a_length_is_within_bounds(length: int, reason: ProblemReason) -> None:
    with pytest.raises(ProblemError) as raised:
        check_length(length, 10)

    assert raised.value.problem.reason == reason
    check_length(10, 10)
