"""When a token is read again, and what happens while it can't be."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from imagejob_operator.kube.credentials import (
    FILE_SECONDS,
    REST_SECONDS,
    Credentials,
    CredentialsError,
    Token,
    from_file,
)
from imagejob_operator.kube.errors import UnreachableError

if TYPE_CHECKING:
    from pathlib import Path


class Source:
    """Tokens in turn, on a clock that a test sets; an error is raised."""

    def __init__(self, *tokens: str | Exception, seconds: float = 100.0) -> None:
        self.now = 0.0
        self.reads = 0
        self._left = list(tokens)
        self._seconds = seconds

    async def read(self) -> Token:
        self.reads += 1
        token = self._left.pop(0)
        if isinstance(token, Exception):
            raise token
        return Token(token, self.now + self._seconds)

    def credentials(self) -> Credentials:
        return Credentials(self.read, lambda: self.now)


def test_a_token_is_used_until_it_is_due() -> None:
    async def run() -> list[str]:
        source = Source("a", "b")
        credentials = source.credentials()
        found = [await credentials.header()]
        source.now = 99.9
        found.append(await credentials.header())
        source.now = 100.0
        found.append(await credentials.header())
        await asyncio.sleep(0)
        found.append(await credentials.header())
        return found

    assert asyncio.run(run()) == ["a", "a", "a", "b"]


def test_only_who_has_no_token_that_works_waits_for_the_next() -> None:
    may_end = asyncio.Event()
    tokens = [Token("a", until=0.0), Token("b")]

    async def slowly_at_last() -> Token:
        if len(tokens) == 1:
            await may_end.wait()
        return tokens.pop(0)

    async def run() -> tuple[str, str]:
        now = 0.0
        credentials = Credentials(slowly_at_last, lambda: now)
        await credentials.header()
        now = REST_SECONDS
        async with asyncio.timeout(5):
            due = await credentials.header()
        waiting = asyncio.create_task(credentials.header(rejected="a"))
        await asyncio.sleep(0)
        assert not waiting.done()
        may_end.set()
        return due, await waiting

    assert asyncio.run(run()) == ("a", "b")


def test_a_rejected_token_is_read_again_at_once_but_not_again_and_again() -> None:
    async def run() -> tuple[list[str], int]:
        source = Source("a", "b", "b", "c")
        credentials = source.credentials()
        found = [await credentials.header()]
        source.now = REST_SECONDS
        found += [await credentials.header(rejected="a"), await credentials.header(rejected="a")]
        found.append(await credentials.header(rejected="b"))
        source.now = 2 * REST_SECONDS
        found.append(await credentials.header(rejected="b"))
        return found, source.reads

    assert asyncio.run(run()) == (["a", "b", "b", "b", "b"], 3)


def test_a_token_is_used_on_while_no_other_can_be_read(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> list[str]:
        source = Source("a", CredentialsError("gone"), CredentialsError("gone"), "b")
        credentials = source.credentials()
        found = []
        for now in (0.0, 100.0, 101.0, 110.0, 120.0):
            source.now = now
            found.append(await credentials.header())
            await asyncio.sleep(0)
        return [*found, await credentials.header()]

    assert asyncio.run(run()) == ["a", "a", "a", "a", "a", "b"]
    assert [each.getMessage() for each in caplog.records] == ["cannot read the credentials: gone"]


def test_without_any_token_a_request_fails_like_others() -> None:
    async def run() -> None:
        await Source(CredentialsError("no such file")).credentials().header()

    with pytest.raises(UnreachableError, match="no credentials: no such file"):
        asyncio.run(run())


def test_all_wait_for_one_reading_which_outlasts_who_gives_up() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    reads = []

    async def slowly() -> Token:
        reads.append(1)
        begun.set()
        await may_end.wait()
        return Token("a")

    async def run() -> str:
        credentials = Credentials(slowly)
        first = asyncio.create_task(credentials.header())
        await begun.wait()
        second = asyncio.create_task(credentials.header())
        first.cancel()
        may_end.set()
        return await second

    assert asyncio.run(run()) == "a"
    assert len(reads) == 1


def test_a_file_is_read_without_the_space_around_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(" abc\n")

    token = asyncio.run(from_file(file, lambda: 7.0)())

    assert token == Token("Bearer abc", 7.0 + FILE_SECONDS)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff"])
def test_a_file_without_a_token_is_an_error_that_names_it(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(CredentialsError, match=str(file)):
        asyncio.run(from_file(file)())


@pytest.fixture(autouse=True)
def _all_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
