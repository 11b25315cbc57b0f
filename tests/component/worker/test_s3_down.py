"""S3 stores that fail, vanish or stall: how soon each is given up, and with which message."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from imagejob_dev.ports import free_ports
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import S3
from support.s3_stores import BUCKET, LIMIT, Stub, fetched, opened, serving


@pytest.fixture
def keys() -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}


def failing(request: BaseHTTPRequestHandler) -> None:
    request.send_error(503)


def cutting(request: BaseHTTPRequestHandler) -> None:
    request.connection.close()


@pytest.mark.parametrize(
    ("do", "words"), [(failing, "503"), (cutting, "cut|reset")], ids=["503", "cuts"]
)
def test_a_failing_store_is_tried_again_but_not_for_long(
    tmp_path: Path, keys: dict[str, str], do: Any, words: str
) -> None:
    start = time.monotonic()
    with serving(Stub(do)) as stub:
        storage = opened(tmp_path, S3(stub.endpoint, BUCKET), **keys)
        with pytest.raises(ItemFailure, match=words) as caught:
            fetched(storage, tmp_path / "source", "in/a")

    assert caught.value.reason == "StorageUnavailable"
    assert 1 < stub.requests <= 6
    assert time.monotonic() - start < 15


@pytest.mark.parametrize(
    "endpoint",
    [
        "no URL", "ftp://127.0.0.1", "http://", "https://[::", "http://a/x y", "http://a?b",
        "http://a:65536", "http://a/x/../y", "http://a/.",
    ],
)  # fmt: skip
def test_an_invalid_endpoint(tmp_path: Path, keys: dict[str, str], endpoint: str) -> None:
    def attempt() -> None:
        fetched(opened(tmp_path, S3(endpoint, BUCKET), **keys), tmp_path / "source", "in/a")

    with pytest.raises(ItemFailure) as caught:
        attempt()

    assert caught.value.reason == "StorageUnavailable"
    assert "endpoint" in caught.value.message


def test_a_store_that_is_down_is_given_up_soon(tmp_path: Path, keys: dict[str, str]) -> None:
    (port,) = free_ports(1)
    storage = opened(tmp_path, S3(f"http://127.0.0.1:{port}", BUCKET), **keys)
    start = time.monotonic()

    with pytest.raises(ItemFailure, match="connection refused") as caught:
        fetched(storage, tmp_path / "source", "in/a")

    assert caught.value.reason == "StorageUnavailable"
    assert time.monotonic() - start < 15


def dripping(request: BaseHTTPRequestHandler) -> None:
    """An endless object of a correct length, sent slowly."""
    request.send_response(200)
    request.send_header("Content-Length", str(LIMIT))
    request.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
    request.send_header("ETag", '"x"')
    request.end_headers()
    gone = threading.Event()
    while not gone.wait(0.05):
        try:
            request.wfile.write(bytes(256))
        except OSError:
            gone.set()


def test_a_source_that_drips_is_timed_out(tmp_path: Path, keys: dict[str, str]) -> None:
    with serving(Stub(dripping)) as stub:
        storage = opened(tmp_path, S3(stub.endpoint, BUCKET), **keys)
        start = time.monotonic()
        with pytest.raises(ItemFailure, match="time ran out") as caught:
            fetched(storage, tmp_path / "source", "in/a", seconds=1)
        del storage

    assert caught.value.reason == "TimedOut"
    assert time.monotonic() - start < 5


def test_a_host_that_cannot_be_one(tmp_path: Path, keys: dict[str, str]) -> None:
    store = S3("http://127.0.0.1", BUCKET, path_style=False)

    with pytest.raises(ItemFailure) as caught:
        fetched(opened(tmp_path, store, **keys), tmp_path / "source", "in/a")

    assert caught.value.reason == "StorageUnavailable"
    assert "can't be addressed" in caught.value.message
    assert "any" not in caught.value.message.split()
