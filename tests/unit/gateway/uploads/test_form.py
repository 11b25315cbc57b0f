"""Forms, cut at every place: the file's length is known before its first byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.uploads import form
from imagejob_gateway.uploads.body import counted

FILE = b"\xff\xd8\xff data with \r\n, \r\n-- and \r\n--bound in it"
FIELD = b'--bound1\r\nContent-Disposition: form-data; name="profile"\r\n\r\nweb\r\n'
HEAD = (
    b'--bound1\r\nContent-Disposition: form-data; name="file"; filename="../a.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n"
)
END = b"\r\n--bound1--\r\n"
WHOLE = FIELD + HEAD + FILE + END


async def stream(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def read(data: bytes, size: int = 7) -> tuple[str, int, dict[str, str], bytes]:
    async def run() -> tuple[str, int, dict[str, str], bytes]:
        body = await form.read("bound1", len(data), stream(data, size))
        content = b"".join([each async for each in counted(body.chunks, body.length)])
        return body.declared_type, body.length, body.fields, content

    return asyncio.run(run())


@pytest.mark.parametrize("size", [1, 2, 3, 16, 64, 1000])
def test_a_form_is_read_in_pieces_of_any_size(size: int) -> None:
    assert read(WHOLE, size) == ("image/jpeg", len(FILE), {"profile": "web"}, FILE)


MALFORMED = {
    "no file": FIELD + b"--bound1--\r\n",
    "nothing": b"",
    "another boundary": WHOLE.replace(b"bound1", b"bound2"),
    "a field after the file": FIELD + HEAD + FILE + b"\r\n" + FIELD + b"--bound1--\r\n",
    "two files": HEAD + FILE + b"\r\n" + HEAD + FILE + END,
    "no end": FIELD + HEAD + FILE,
    "an end without a line break": WHOLE[:-2],
    "more after the end": WHOLE + b"more",
    "too much before the file": FIELD * 1000 + HEAD + FILE + END,
    "a header without an end": b"--bound1\r\nContent-Disposition: " + b"x" * 20_000,
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_a_form_that_is_otherwise_is_refused(data: bytes) -> None:
    with pytest.raises(ProblemError) as raised:
        read(data)

    assert raised.value.problem.reason == ProblemReason.INVALID_REQUEST


def test_a_boundary_is_in_the_type() -> None:
    assert form.boundary_of('multipart/form-data; boundary="a b"') == "a b"
    assert form.boundary_of("image/jpeg") is None


@pytest.mark.parametrize("options", ["", "; boundary=", f"; boundary={'x' * 71}"])
def test_a_form_without_a_boundary_is_refused(options: str) -> None:
    with pytest.raises(ProblemError, match="boundary"):
        form.boundary_of(f"multipart/form-data{options}")
