"""Answers put together at random, of parts that are right and parts that lie.

Whatever comes: the source is what the answer's length or chunks say, or there is a reason, in time.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import S3
from imagejob_worker.storage import retries, transfer
from imagejob_worker.storage.s3 import S3Storage
from support.examples import examples
from support.s3_stores import BUCKET, fetched, opened, put

KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
QUIET = 0.2  # instead of 30 s
LIMIT = 100
REASONS = {"SourceNotFound", "AccessDenied", "StorageUnavailable", "InvalidSpec", "TooLarge"}

STARTS = st.sampled_from([
    *(b"HTTP/1.1 %d X" % each for each in (200, 200, 200, 204, 206, 301, 304, 307, 404, 503, 999)),
    *(b"HTTP/1.0 200 OK", b"HTTP/2 200", b"HTTP/1.1 2e2 OK", b"HTTP/1.1 -200 OK", b"HTTP/1.1"),
    *(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", b"HTTP/1.1 101 X", b"ICY 200 OK", b""),
    b"HTTP/1.1 \xff\xfe \x00", b"\x16\x03\x01",
])  # fmt: skip
LENGTHS = (
    *(b"0", b"3", b"5", b"100", b"101", b"-1", b"+3", b"3, 3", b"3, 4", b"0x3", b"1_0", b"1e1"),
    *(b"", b"3 ", b"\t3", b"3\x00", b"\xd9\xa3", b"9" * 30, b"9" * 5000),
)  # fmt: skip
HEADERS = st.sampled_from([
    *(b"Content-Length: " + each for each in LENGTHS),
    *(b"Transfer-Encoding: " + each for each in (b"chunked", b"CHUNKED", b"gzip, chunked")),
    *(b"Location: " + each for each in (b"http://127.0.0.2/", b"//x", b"\xff", b"/" * 9000, b"")),
    *(b"Connection: close", b"Content-Encoding: gzip", b"Content-Range: bytes 0-2/9", b": x"),
    *(b" y", b"no colon", b"x\x00y: z", b"\xff: \xff", b"A: b\r\n folded", b"A: " + b"x" * 70_000),
])  # fmt: skip
BODIES = st.lists(
    st.sampled_from([
        *(b"abc", b"\x00\xff", b"x" * 200, b"3\r\nabc\r\n", b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n"),
        *(b"-3\r\nabc\r\n", b"ffffffffffffffffff\r\n", b"3;x=y\r\nabc\r\n"),
        *(b"3\r\nabcdef\r\n", b"zz\r\n", b"<Error><Code>", b"</Error>"),
        *(b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nxyz"),
    ]),
    max_size=4,
)  # fmt: skip


class Server:
    """Sends the same bytes to everybody, and then ends the connection, or doesn't."""

    def __init__(self) -> None:
        self.answer, self.ends = b"", True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # unlike close(), this ends accept()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._talk(connection)
                except OSError:
                    continue  # the worker has had enough

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(QUIET * 3)
        request = connection.recv(65536)
        while request and b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        connection.sendall(self.answer)
        while not self.ends and connection.recv(65536):
            pass


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(scope="module", autouse=True)
def impatient() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "QUIET", QUIET)
        patch.setattr(retries, "_RETRY_SECONDS", 0.0)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("any-answer")
    (made / "output").write_bytes(b"a picture")
    return made


@pytest.fixture(scope="module")
def storage(server: Server, folder: Path) -> Iterator[S3Storage]:
    made = opened(folder, S3(server.endpoint, BUCKET), **KEYS)
    yield made
    made.close()


@settings(max_examples=examples(300))
@given(start=STARTS, headers=st.lists(HEADERS, max_size=4), body=BODIES, ends=st.booleans())
def test_any_answer_is_an_object_or_has_a_reason_in_time(
    server: Server, storage: S3Storage, folder: Path,
    start: bytes, headers: list[bytes], body: list[bytes], ends: bool,  # noqa: FBT001 (Hypothesis)
) -> None:  # fmt: skip
    server.answer = b"\r\n".join([start, *headers, b"", b"".join(body)])
    server.ends = ends
    began = time.monotonic()
    failures: list[ItemFailure] = []

    try:
        read = fetched(storage, folder / "source", "in/a", limit=LIMIT, seconds=10)
        assert read.size == (folder / "source").stat().st_size <= LIMIT
    except ItemFailure as failure:
        failures.append(failure)
    try:
        put(storage, folder / "output", "out/a")
    except ItemFailure as failure:
        failures.append(failure)

    assert time.monotonic() - began < 10 * QUIET + 2
    assert {failure.reason for failure in failures} <= REASONS
    assert all(failure.message.isprintable() for failure in failures)
