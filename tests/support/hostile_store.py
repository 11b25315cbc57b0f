"""A tenant's own S3 store, which counts its requests, and answers as it likes."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from support.tenant import picture

if TYPE_CHECKING:
    from collections.abc import Iterator


class HostileStore(ThreadingHTTPServer):
    """Every requested object exists: with `swaps`, a different image each time.

    With `stalls` it accepts PUTs but never confirms them, except for paths that contain `prompt`.
    `reads` counts the images served, `stored` has everything received, `objects` the current
    content: path → bytes.
    """

    daemon_threads = True

    def __init__(self, address: str, *, swaps: bool = True, stalls: bool = True) -> None:
        super().__init__((address, 0), _Handler)
        self.swaps = swaps
        self.answers = threading.Event()
        self.prompt = ""
        self.reads = 0
        self.stored: list[bytes] = []
        self.objects: dict[str, bytes] = {}
        if not stalls:
            self.answers.set()

    @property
    def endpoint(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def next_picture(self) -> bytes:
        self.reads += 1
        return picture(320, 200 + (self.reads if self.swaps else 0))

    def distinct(self) -> int:
        """The number of different images that it received."""
        return len(set(self.stored))


@contextmanager
def hostile_store(
    address: str, *, swaps: bool = True, stalls: bool = True
) -> Iterator[HostileStore]:
    with HostileStore(address, swaps=swaps, stalls=stalls) as server:
        thread = threading.Thread(target=server.serve_forever, name="a hostile store")
        thread.start()
        try:
            yield server
        finally:
            server.answers.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: HostileStore
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.server.next_picture()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.stored.append(body)
        self.server.objects[self.path.partition("?")[0]] = body
        if not self.server.prompt or self.server.prompt not in self.path:
            self.server.answers.wait()
        self.send_response(200)
        self.send_header("ETag", f'"{md5(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
