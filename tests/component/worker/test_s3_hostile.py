"""Hostile S3 servers: whatever they answer, it costs little memory and ends in time."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import S3
from imagejob_worker.storage import retries, transfer
from imagejob_worker.storage.s3 import S3Storage
from support import worker_process
from support.odd_answers import HEADS, OBJECTS, OK, raw
from support.s3_stores import AUTHORITY, BUCKET, LIMIT, Stub, answer, fetched, opened, put, serving
from support.worker_process import Workplace

KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
QUIET = 1.0  # instead of 30 s
SECONDS = 2.0  # of an item
RETRYING = 2.0  # instead of 8 s

# What a status means for a source, and for an output.
REASONS = {
    301: ("InvalidSpec", "InvalidSpec"),
    400: ("StorageUnavailable", "StorageUnavailable"),
    401: ("AccessDenied", "AccessDenied"),
    403: ("AccessDenied", "AccessDenied"),
    404: ("SourceNotFound", "StorageUnavailable"),
    429: ("StorageUnavailable", "StorageUnavailable"),
    500: ("StorageUnavailable", "StorageUnavailable"),
    503: ("StorageUnavailable", "StorageUnavailable"),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "QUIET", QUIET)
    monkeypatch.setattr(retries, "_RETRY_SECONDS", RETRYING)


Writer = Callable[[BaseHTTPRequestHandler, bytes], None]


def chunked(request: BaseHTTPRequestHandler, piece: bytes) -> None:
    request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))


def plainly(request: BaseHTTPRequestHandler, piece: bytes) -> None:
    request.wfile.write(piece)


FRAMINGS: dict[str, tuple[dict[str, str], Writer]] = {
    "chunked": ({"Transfer-Encoding": "chunked"}, chunked),
    "announced": ({"Content-Length": str(1 << 40)}, plainly),
    "until the end": ({}, plainly),
}
# What is repeated, and after how many seconds each time.
BODIES = {"endless": (b"x" * 65536, 0.0), "slow": (b"x", 0.02)}


class Hostile:
    """A server whose error bodies never end; it counts how much it could send."""

    def __init__(self, status: int, framing: str, body: str) -> None:
        self.status, self.sent = status, 0
        self.headers, self.write = FRAMINGS[framing]
        self.piece, self.pause = BODIES[body]
        self.over = threading.Event()

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        request.protocol_version = "HTTP/1.1"
        request.send_response(self.status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.end_headers()
        try:
            while not self.over.wait(self.pause):
                self.write(request, self.piece)
                self.sent += len(self.piece)
        except OSError:
            return  # the worker has closed the connection, as it should


@contextmanager
def store(do: Any, folder: Path, **changes: Any) -> Iterator[S3Storage]:
    folder.mkdir(exist_ok=True)
    with serving(Stub(do)) as stub:
        opened_ = opened(folder, S3(stub.endpoint, BUCKET, **changes), **KEYS)
        try:
            yield opened_
        finally:
            if isinstance(do, Hostile):
                do.over.set()
            opened_.close()


def reading(storage: S3Storage, folder: Path, seconds: float = SECONDS) -> None:
    fetched(storage, folder / "source", "in/a", seconds=seconds)


def writing(storage: S3Storage, folder: Path) -> None:
    (folder / "output").write_bytes(b"a picture")
    put(storage, folder / "output", "out/a")


DOING = {"GET": reading, "PUT": writing}
# With time left when retries end, also on a machine that stalls: then the store is to blame.
IN_NO_HURRY = {"GET": partial(reading, seconds=10 * RETRYING), "PUT": writing}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("method", IN_NO_HURRY)
def test_the_body_of_an_error_is_read_to_64_kib_and_in_time(
    tmp_path: Path, method: str, framing: str, body: str
) -> None:
    def attempt(status: int) -> tuple[str, float, int]:
        folder, hostile = tmp_path / str(status), Hostile(status, framing, body)
        with store(hostile, folder) as storage:
            start = time.monotonic()
            with pytest.raises(ItemFailure) as caught:
                IN_NO_HURRY[method](storage, folder)
            return caught.value.reason, time.monotonic() - start, hostile.sent

    with ThreadPoolExecutor(len(REASONS)) as pool:
        found = dict(zip(REASONS, pool.map(attempt, REASONS), strict=True))

    reasons = {status: reason for status, (reason, _, _) in found.items()}
    assert reasons == {status: both[method == "PUT"] for status, both in REASONS.items()}
    most = RETRYING + QUIET if method == "GET" else RETRYING + 2 * QUIET
    assert max(seconds for _, seconds, _ in found.values()) < most + 3  # for a busy machine
    # 64 KiB, and what the kernel buffers meanwhile, at most six times.
    assert max(sent for _, _, sent in found.values()) < 64 << 20


@pytest.mark.parametrize(
    ("method", "do", "words"),
    [
        *(pytest.param(method, *case, id=f"{method}, {name}")
          for name, case in HEADS.items() for method in DOING),
        *(pytest.param("GET", *case, id=name) for name, case in OBJECTS.items()),
    ],
)  # fmt: skip
def test_whatever_a_server_says_it_ends_in_words_and_in_time(
    tmp_path: Path, method: str, do: Any, words: str
) -> None:
    start = time.monotonic()
    with store(do, tmp_path) as storage, pytest.raises(ItemFailure) as caught:
        DOING[method](storage, tmp_path)

    assert re.search(words, caught.value.message), caught.value.message
    assert caught.value.reason in ("StorageUnavailable", "TimedOut", "TooLarge")
    assert time.monotonic() - start < RETRYING + SECONDS


def dripping(request: BaseHTTPRequestHandler) -> None:
    """An object of a correct length, a byte at a time."""
    raw(OK + b"Content-Length: %d\r\n\r\n" % LIMIT, b"x", 0.02)(request)


@pytest.mark.parametrize("least", [1000, None], ids=["a minimum", "no minimum"])
def test_a_source_that_drips_ends_with_the_rate_long_before_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: int | None
) -> None:
    monkeypatch.setattr(transfer, "WINDOW", 1.0)
    seconds = 60.0 if least else 4.0
    start = time.monotonic()

    with store(dripping, tmp_path) as storage, pytest.raises(ItemFailure) as caught:
        fetched(storage, tmp_path / "source", "in/a", seconds=seconds, least=least)

    reason, words = (
        ("StorageUnavailable", "1000 bytes a second") if least else ("TimedOut", "ran out")
    )
    assert reason == caught.value.reason
    assert words in caught.value.message
    assert time.monotonic() - start < 10


def swallowing(request: BaseHTTPRequestHandler) -> None:
    """Receive an output slowly and steadily."""
    gone = threading.Event()
    while not gone.wait(0.02):
        if not request.rfile.read(100):
            gone.set()


def test_a_store_that_takes_an_output_too_slowly_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "WINDOW", 2.0)
    monkeypatch.setattr(transfer, "QUIET", 60.0)
    (tmp_path / "output").write_bytes(bytes(32 << 20))  # more than the kernel buffers
    start = time.monotonic()

    with store(swallowing, tmp_path) as storage, pytest.raises(ItemFailure) as caught:
        put(storage, tmp_path / "output", "out/a", least=1 << 20)

    assert caught.value.reason == "StorageUnavailable"
    assert "at least 1048576 bytes a second" in caught.value.message
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("pause", [None, 0.02], ids=["never", "slowly"])
def test_a_store_that_takes_an_output_and_does_not_answer_is_given_up(
    tmp_path: Path, pause: float | None
) -> None:
    def do(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers["Content-Length"]))
        if pause:
            raw(b"HTTP/1.1 200 OK\r\n", b"x", pause)(request)
        else:
            request.rfile.read(1)  # until the worker has closed the connection

    start = time.monotonic()
    with store(do, tmp_path) as storage, pytest.raises(ItemFailure, match="in time") as caught:
        writing(storage, tmp_path)

    assert caught.value.reason == "StorageUnavailable"
    assert time.monotonic() - start < QUIET + 3


def test_an_output_is_as_good_as_its_answer_and_no_better_for_a_body(tmp_path: Path) -> None:
    """The store has confirmed the object; nobody waits for what else it says."""
    start = time.monotonic()
    with store(Hostile(200, "chunked", "slow"), tmp_path) as storage:
        writing(storage, tmp_path)

    assert time.monotonic() - start < QUIET


def test_a_refusal_that_comes_early_is_heard(tmp_path: Path) -> None:
    """A server may reject a large output without reading it."""
    big = tmp_path / "output"
    big.write_bytes(bytes(64 << 20))

    def do(request: BaseHTTPRequestHandler) -> None:
        answer(request, 403, b"<Error><Code>AccessDenied</Code></Error>")

    with store(do, tmp_path) as storage, pytest.raises(ItemFailure) as caught:
        put(storage, big, "out/a")

    assert caught.value.reason == "AccessDenied"


def test_connections_are_used_again_and_replaced_where_they_are_gone(tmp_path: Path) -> None:
    """A server that accepts three connections, two requests each."""
    head = OK + b"Content-Length: 6\r\n\r\nsource"
    accepted = []

    def serve(server: socket.socket) -> None:
        for _ in range(3):
            connection, _ = server.accept()
            accepted.append(connection)
            for _ in range(2):
                while not connection.recv(65536).endswith(b"\r\n\r\n"):
                    pass
                connection.sendall(head)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        storage = opened(tmp_path, S3(endpoint, BUCKET), **KEYS)
        sizes = [fetched(storage, tmp_path / "source", f"in/{n}").size for n in range(6)]
        thread.join()
        storage.close()

    assert sizes == [6] * 6
    assert len(accepted) == 3


def test_tls_to_a_plain_port_is_reported(s3: Any, tmp_path: Path) -> None:
    """A real server's response; one that waits for the end of a request line sends nothing."""
    endpoint = s3.endpoint.replace("http:", "https:")
    storage = opened(tmp_path, S3(endpoint, BUCKET, ca_bundle=AUTHORITY), **KEYS)

    with pytest.raises(ItemFailure, match=r"speaks no TLS|speak plain HTTP") as caught:
        reading(storage, tmp_path)

    assert caught.value.reason == "StorageUnavailable"


def test_an_unanswered_tls_handshake_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"https://127.0.0.1:{silent.getsockname()[1]}"
        storage = opened(tmp_path, S3(endpoint, BUCKET, ca_bundle=AUTHORITY), **KEYS)
        with pytest.raises(ItemFailure, match="does it speak plain HTTP") as caught:
            writing(storage, tmp_path)

    assert caught.value.reason == "StorageUnavailable"


def test_plain_http_to_a_tls_port_is_reported(tls_s3: Any, tmp_path: Path) -> None:
    endpoint = tls_s3.endpoint.replace("https:", "http:")
    storage = opened(tmp_path, S3(endpoint, BUCKET), **KEYS)

    for do in DOING.values():
        with pytest.raises(ItemFailure, match=r"speaks? TLS") as caught:
            do(storage, tmp_path)
        assert caught.value.reason == "StorageUnavailable"


def test_a_worker_survives_the_endless_body_of_an_error_in_little_memory(tmp_path: Path) -> None:
    place = Workplace(tmp_path / "pod")
    for name, value in KEYS.items():
        place.put("up", name, value.encode())
    hostile = Hostile(404, "chunked", "endless")
    with serving(Stub(hostile)) as stub:
        stores = {"up": {"s3": {"endpoint": stub.endpoint, "bucket": BUCKET}}}
        item = worker_process.item("a", [{"name": "o"}], source={"store": "up", "key": "a"})
        item["destination"] = {"store": "up", "prefix": "out"}
        run = place.run(worker_process.order([item], stores=stores))
        hostile.over.set()

    assert [ended and ended.reason for ended in run.ended] == ["SourceNotFound"]
    assert run.largest < 128 << 20
