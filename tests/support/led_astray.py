"""Workers with a witness of what they look up and connect to, and traps where they could be led."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from PIL import Image

from support import watched_worker, worker_process
from support.s3_stores import BUCKET
from support.specimens import jpeg
from support.worker_process import Ended, Workplace

if TYPE_CHECKING:
    from pathlib import Path

PHOTO = jpeg.encode(Image.linear_gradient("L").resize((8, 8)).convert("RGB"))
OUTPUTS = [{"name": "o", "format": "png"}]
ELSEWHERE = "127.0.0.2"
"""Of this machine, too, but not listed."""
SECONDS = 10
BATCH = 8
"""Items in one worker, whose report then has room for their whole messages."""


class Trap:
    """A server that nobody should connect to. It counts connections, and what they send."""

    def __init__(self, address: str, port: int = 0) -> None:
        self.connections, self.received = 0, b""
        self._server = socket.create_server((address, port))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)  # unlike close(), this ends accept()
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(1)
                self.received += connection.recv(65536)


class Watched(NamedTuple):
    """How a worker's items ended, and what the witness saw."""

    ended: tuple[Ended | None, ...]
    lookups: list[str]
    places: list[str]
    seconds: float


def work(
    root: Path,
    items: list[dict[str, Any]],
    stores: dict[str, Any],
    names: dict[str, list[list[str]]] | None = None,
    **order: Any,
) -> Watched:
    place, witness = Workplace(root / "pod"), root / "witness"
    place.put("box", "photo", PHOTO)
    for store in stores:
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            place.put(store, key, b"any")
    text = worker_process.order(items, stores=stores | {"box": {"volume": {}}}, **order)
    program = (watched_worker.__file__, str(witness), json.dumps(names or {}))
    run = place.run(text, program)
    assert run.exit_code == 0, run.log
    lines = witness.read_text().splitlines() if witness.exists() else []
    lookups = [line.removeprefix("looks up ") for line in lines if line.startswith("looks up")]
    places = [line.removeprefix("connects to ") for line in lines if line.startswith("connects")]
    return Watched(run.ended, lookups, places, run.seconds)


def bucket(endpoint: str, **changes: Any) -> dict[str, Any]:
    return {"s3": {"endpoint": endpoint, "bucket": BUCKET, **changes}}


def reading(name: str, store: str) -> dict[str, Any]:
    source = {"store": store, "key": f"{name}/a"}
    destination = {"store": "box", "prefix": f"out/{name}"}
    return worker_process.item(
        name, OUTPUTS, source=source, destination=destination, timeoutSeconds=SECONDS
    )


def writing(name: str, store: str) -> dict[str, Any]:
    source = {"store": "box", "key": "photo"}
    destination = {"store": store, "prefix": name}
    return worker_process.item(name, OUTPUTS, source=source, destination=destination)
