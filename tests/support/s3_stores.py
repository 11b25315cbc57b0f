"""S3 stores as the worker opens them, and servers that misbehave."""

from __future__ import annotations

import ssl
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imagejob_worker.storage.addresses import Addresses
from imagejob_worker.storage.s3 import S3Storage

from support.paths import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imagejob_dev.s3 import S3Server
    from imagejob_worker.contract.order import S3
    from imagejob_worker.storage import Fetched

TLS = DATA / "tls"
AUTHORITY = (TLS / "authority.pem").read_text()
BUCKET = "team-a"
LIMIT = 1 << 20
LOOPBACK = "127.0.0.1/32"


def opened(folder: Path, store: S3, **secrets: str) -> S3Storage:
    for name, value in secrets.items():
        (folder / name).write_text(value)
    return S3Storage("uploads", store, str(folder), Addresses([LOOPBACK]))


def fetched(
    storage: S3Storage,
    path: Path,
    key: str,
    limit: int = LIMIT,
    seconds: float = 60,
    least: int | None = None,
) -> Fetched:
    with path.open("wb") as file:
        return storage.fetch(key, file.fileno(), limit, time.monotonic() + seconds, least)


def put(
    storage: S3Storage,
    path: Path,
    key: str,
    cache_control: str | None = None,
    least: int | None = None,
) -> None:
    with path.open("rb") as file:
        storage.put(key, file.fileno(), "image/webp", cache_control, least)


class Stub(ThreadingHTTPServer):
    """A server that misbehaves; `do` gets each request."""

    daemon_threads = True
    request_queue_size = 128  # several workers connect at once; the default is 5

    def __init__(self, do: Callable[[BaseHTTPRequestHandler], None], *, tls: bool = False) -> None:
        self.requests = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if self.raw_requestline and self.parse_request():
                    stub.requests += 1
                    do(self)
                    self.wfile.flush()
                self.close_connection = True

        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "server.pem", TLS / "server-key.pem")
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    thread = threading.Thread(target=stub.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield stub
    finally:
        stub.shutdown()
        thread.join()
        stub.server_close()


def forwarding(server: S3Server, damaged: int = 0) -> Callable[[BaseHTTPRequestHandler], None]:
    """A proxy that flips one bit of each of the first bodies that it forwards."""
    left = [damaged]

    def do(request: BaseHTTPRequestHandler) -> None:
        body = bytearray(request.rfile.read(int(request.headers.get("Content-Length", 0))))
        if left[0]:
            left[0] -= 1
            body[len(body) // 2] ^= 1
        upstream = HTTPConnection(urlsplit(server.endpoint).netloc)
        upstream.putrequest(request.command, request.path, skip_host=True)
        for name, value in request.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders(bytes(body))
        found = upstream.getresponse()
        answer(request, found.status, found.read())
        upstream.close()

    return do


def answer(request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    request.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
    request.send_header("ETag", '"x"')
    request.end_headers()
    request.wfile.write(body)
