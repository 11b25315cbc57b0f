"""A proxy in front of the real S3 server: records writes, and misbehaves on request.

It forwards requests unchanged; the signature covers the Host that the client named. A source is an
image of one colour, so its number can be read from anything made of it.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import threading
import time
from contextlib import contextmanager, suppress
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from support.adversary.history import Write

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE = 16
LEVELS, STEP = 32, 8
DRIP_SECONDS = 0.1
CHUNK = b"x" * 65536  # an endless body at some 600 KiB/s: others need the machine's memory too
HOP = ("connection", "transfer-encoding", "keep-alive", "content-length")
OK = 200
ENDLESS = 1 << 40

GETS = ("plain", "changing", "drip", "hang", "refuse", "endless")
PUTS = ("plain", "hang thumb", "hang full", "refuse", "endless", "slow")


def picture(number: int) -> bytes:
    """The source of that number."""
    levels = (number % LEVELS, number // LEVELS % LEVELS, number // LEVELS**2)
    colour = tuple(level * STEP + STEP // 2 for level in levels)
    out = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), colour).save(out, "PNG")
    return out.getvalue()


@lru_cache(maxsize=4096)
def number_of(body: bytes) -> int | None:
    """The number of the source that it was made of; None if it is no image."""
    try:
        pixel = Image.open(io.BytesIO(body)).convert("RGB").getpixel((SIDE // 4, SIDE // 4))
    except OSError:
        return None
    red, green, blue = (channel // STEP for channel in pixel)  # type: ignore[union-attr]
    return int(red + green * LEVELS + blue * LEVELS**2)


class Manners(NamedTuple):
    """How a bucket's requests are answered: one of GETS, one of PUTS."""

    get: str = "plain"
    put: str = "plain"


class Put(NamedTuple):
    at: float
    bucket: str
    key: str
    body: bytes


class Front(ThreadingHTTPServer):
    """A recording S3 endpoint in front of the one at `port` of this machine."""

    daemon_threads = True

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self.behind = port
        self.manners: dict[str, Manners] = {}
        self.puts: list[Put] = []
        self.reads = 0
        self._calm: dict[str, threading.Event] = {}
        self._numbers = 0
        self._lock = threading.Lock()
        super().__init__((address, 0), _Handler)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def new_picture(self) -> bytes:
        """Return a source that differs from all before."""
        with self._lock:
            self._numbers += 1
            return picture(self._numbers)

    def behave(self, bucket: str, manners: Manners) -> None:
        """From the next request on; current requests continue as they began, until `calm`."""
        self.manners[bucket] = manners

    def calm(self, bucket: str) -> threading.Event:
        """Set once the bucket behaves well for good."""
        with self._lock:
            return self._calm.setdefault(bucket, threading.Event())

    def settle(self, bucket: str) -> None:
        self.behave(bucket, Manners())
        self.calm(bucket).set()

    def writes(self, bucket: str) -> list[Write]:
        return [
            Write(put.at, put.key, hashlib.sha256(put.body).hexdigest(), number_of(put.body))
            for put in list(self.puts)
            if put.bucket == bucket
        ]

    def forget(self, bucket: str) -> None:
        self.puts = [put for put in self.puts if put.bucket != bucket]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client closed the connection, which many of them should do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front

    def log_message(self, *_: object) -> None:
        """It would be one line per request."""

    def do_GET(self) -> None:
        bucket, key = self._where()
        how = self.server.manners.get(bucket, Manners()).get
        self.server.reads += 1
        calm = self.server.calm(bucket)
        if how == "endless":
            self._endless(calm)
        elif how == "refuse":
            self._answer(503, {}, b"")
        elif how == "changing" and key:
            headers = {"ETag": f'"{time.time_ns()}"', "Last-Modified": self.date_time_string()}
            self._answer(OK, headers, self.server.new_picture())
        else:
            if how == "hang":
                calm.wait()
            status, headers, body = self._pass_on(b"")
            self._answer(status, headers, body, calm if how == "drip" else None)

    def do_PUT(self) -> None:
        bucket, key = self._where()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        how = self.server.manners.get(bucket, Manners()).put
        calm = self.server.calm(bucket)
        if how == "endless":
            self._endless(calm)
            return
        if how == "refuse":
            self._answer(503, {}, b"")
            return
        if how == "slow":
            calm.wait(2 * DRIP_SECONDS)
        status, headers, said = self._pass_on(body)
        if status == OK:
            self.server.puts.append(Put(time.time(), bucket, key, body))
        if how.startswith("hang") and f"/{how.split()[1]}." in f"/{key}":
            calm.wait()
        self._answer(status, headers, said)

    def do_HEAD(self) -> None:
        self._answer(*self._pass_on(b""))

    def do_DELETE(self) -> None:
        self._answer(*self._pass_on(b""))

    def _where(self) -> tuple[str, str]:
        bucket, _, key = self.path.partition("?")[0].lstrip("/").partition("/")
        return bucket, key

    def _pass_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=20)
        try:
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "expect"):
                    connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            kept = {k: v for k, v in response.getheaders() if k.lower() not in HOP}
            return response.status, kept, response.read()
        except OSError:
            return 503, {}, b""
        finally:
            connection.close()

    def _answer(
        self, status: int, headers: dict[str, str], body: bytes, drip: threading.Event | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        while drip and body and not drip.wait(DRIP_SECONDS):
            self.wfile.write(body[:1])
            self.wfile.flush()
            body = body[1:]
        self.wfile.write(body)

    def _endless(self, calm: threading.Event) -> None:
        self.close_connection = True
        self.send_response_only(403)
        self.send_header("Content-Length", str(ENDLESS))
        self.end_headers()
        with suppress(OSError):
            while not calm.wait(DRIP_SECONDS):
                self.wfile.write(CHUNK)


@contextmanager
def serving(port: int) -> Iterator[Front]:
    """Run a front until the block ends."""
    front = Front(port)
    thread = threading.Thread(target=front.serve_forever, args=(0.05,), name="S3 front")
    thread.start()
    try:
        yield front
    finally:
        for event in list(front._calm.values()):
            event.set()
        front.shutdown()
        thread.join()
        front.server_close()
