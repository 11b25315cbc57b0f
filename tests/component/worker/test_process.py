"""The worker as the cluster runs it: a process, an environment, folders, a real S3 server."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psutil
import pytest
from imagejob_dev.s3 import S3Server
from imagejob_worker.contract import report
from support import worker_process
from support.conditions import SECONDS, until
from support.s3_stores import Stub, serving
from support.started_worker import DIGEST, PHOTO, WORKER, hanging, reported, started
from support.worker_process import Workplace


@pytest.mark.parametrize("parallelism", [1, 3])
def test_an_order_over_s3_end_to_end(s3: S3Server, tmp_path: Path, parallelism: int) -> None:
    place, bucket = Workplace(tmp_path / "pod"), s3.make_bucket(f"end-to-end-{parallelism}")
    client = s3.client()
    client.put_object(Bucket=bucket, Key="in/cat.jpg", Body=PHOTO)
    place.put("up", "AWS_ACCESS_KEY_ID", s3.credentials.access_key.encode())
    place.put("up", "AWS_SECRET_ACCESS_KEY", s3.credentials.secret_key.encode())
    outputs = [
        {"name": "thumb", "width": 64, "format": "webp", "cacheControl": "max-age=60"},
        {"name": "full", "format": "jpeg"},
    ]
    items = [
        worker_process.item(
            "in/cat.jpg", outputs, uid=f"u{number}",
            source={"store": "up", "key": "in/cat.jpg"},
            destination={"store": "up", "prefix": f"out/{number}"},
        )
        for number in range(4)
    ]  # fmt: skip
    stores = {"up": {"s3": {"endpoint": s3.endpoint, "bucket": bucket}}}

    run = place.run(worker_process.order(items, stores=stores, parallelism=parallelism))

    assert run.exit_code == 0, run.log
    for number, entry in enumerate(reported(place)):
        assert isinstance(entry, report.Done), entry
        assert entry.source.sha256 == hashlib.sha256(PHOTO).digest()
        for name, cache_control, made in zip(
            ("thumb.webp", "full.jpg"), ("max-age=60", None), entry.outputs, strict=True
        ):
            found = client.get_object(Bucket=bucket, Key=f"out/{number}/{name}")
            body = found["Body"].read()
            assert (len(body), hashlib.sha256(body).digest()) == (made.bytes, made.sha256)
            assert found["ContentType"] == f"image/{report.FORMATS[made.format]}"
            assert found.get("CacheControl") == cache_control
        assert f"u{number} done in " in run.log
    assert len(run.log.splitlines()) == 4
    assert list(place.scratch.iterdir()) == []
    client.close()


@pytest.mark.parametrize(
    ("digests", "reason"),
    [
        ({"sha256": "0" * 64}, "ChecksumMismatch"),
        ({"pinnedSha256": "0" * 64}, "SourceChanged"),
        ({"sha256": DIGEST.hex(), "pinnedSha256": "0" * 64}, "SourceChanged"),
        ({"sha256": "0" * 64, "pinnedSha256": DIGEST.hex()}, "ChecksumMismatch"),
    ],
)
def test_a_digest_that_differs_is_reported_and_nothing_stored(
    place: Workplace, digests: dict[str, str], reason: str
) -> None:
    source = {"store": "box", "key": "cat.jpg"} | digests
    item = worker_process.item("cat.jpg", [{"name": "o", "format": "png"}], source=source)

    run = place.run(worker_process.order([item]))

    (entry,) = reported(place)
    assert run.exit_code == 0
    assert isinstance(entry, report.Failed)
    assert reason == entry.reason
    assert ("has changed" in entry.message[: report.MESSAGE_WORST]) == (reason == "SourceChanged")
    assert entry.source
    assert entry.source.sha256 == DIGEST
    assert [path.name for path in (place.stores / "box").iterdir()] == ["cat.jpg"]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        pytest.param("no order at all", "can't be read", id="not base64"),
        pytest.param(
            worker_process.encoded(
                worker_process.order(
                    [worker_process.item("a", [{"name": f"o{n}"} for n in range(16)])] * 16
                )
            ),
            "may take",
            id="more than a report can hold",
        ),
    ],
)
def test_an_order_that_cannot_be_done_is_said_to_be_so(
    place: Workplace, order: str, words: str
) -> None:
    environment = place.environment(order)
    ended = subprocess.run(WORKER, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert words in ended.stderr
    assert words in place.report.read_text("ascii")
    assert not place.report.read_text("ascii").startswith(report.PREFIX)


@pytest.mark.parametrize("missing", ["ORDER", "STORES", "SCRATCH", "REPORT"])
def test_a_variable_that_is_missing_is_named(place: Workplace, missing: str) -> None:
    environment = place.environment("")
    del environment[f"IMAGEJOB_{missing}"]
    ended = subprocess.run(WORKER, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert f"IMAGEJOB_{missing}" in ended.stderr


def loaded(process: psutil.Process, library: str) -> bool:
    return any(Path(region.path).name.startswith(library) for region in process.memory_maps())


def test_the_worker_loads_no_pillow_and_its_slot_opens_no_socket(
    place: Workplace, silent: str
) -> None:
    with started(place, hanging(place, silent)) as worker:
        until(worker.net_connections)
        (child,) = worker.children()

        assert not loaded(worker, "_imaging")
        assert loaded(child, "_imaging")
        assert not loaded(child, "_socket")
        assert not child.net_connections()


SPELT = {
    "a slash more": lambda endpoint: f"{endpoint}/",
    "two": lambda endpoint: f"{endpoint}//",
    "as it is": str,
}


@pytest.mark.parametrize("spelt", SPELT)
def test_an_output_is_not_stored_over_its_own_source_by_another_name(
    s3: S3Server, tmp_path: Path, spelt: str
) -> None:
    place, bucket = Workplace(tmp_path / "pod"), s3.make_bucket(f"same-{list(SPELT).index(spelt)}")
    client = s3.client()
    client.put_object(Bucket=bucket, Key="team/in/cat.jpg", Body=PHOTO)
    for name in ("up", "other"):
        place.put(name, "AWS_ACCESS_KEY_ID", s3.credentials.access_key.encode())
        place.put(name, "AWS_SECRET_ACCESS_KEY", s3.credentials.secret_key.encode())
    item = worker_process.item(
        "cat.jpg", [{"name": "small", "width": 8, "format": "png"}, {"name": "cat"}],
        source={"store": "up", "key": "team/in/cat.jpg"},
        destination={"store": "other", "prefix": "in"},
    )  # fmt: skip
    other = {"endpoint": SPELT[spelt](s3.endpoint), "bucket": bucket, "prefix": "team/"}
    stores = {"up": {"s3": {"endpoint": s3.endpoint, "bucket": bucket}}, "other": {"s3": other}}

    run = place.run(worker_process.order([item], stores=stores))

    (ended,) = run.ended
    assert ended
    assert (ended.reason, ended.message) == (
        "InvalidSpec",
        "output cat would be stored over its own source, team/in/cat.jpg",
    )
    found = client.list_objects_v2(Bucket=bucket)["Contents"]
    assert [(each["Key"], each["Size"]) for each in found] == [("team/in/cat.jpg", len(PHOTO))]
    client.close()


def test_an_output_is_not_stored_over_its_own_source_on_a_volume(place: Workplace) -> None:
    (place.stores / "again").symlink_to(place.stores / "box")
    destination = {"store": "again", "prefix": "in"}
    place.put("box", "in/cat.jpg", PHOTO)
    item = worker_process.item("in/cat.jpg", [{"name": "cat"}], destination=destination)
    stores: dict[str, Any] = {"box": {"volume": {}}, "again": {"volume": {}}}

    run = place.run(worker_process.order([item], stores=stores))

    assert [ended and ended.reason for ended in run.ended] == ["InvalidSpec"]
    assert (place.stores / "box" / "in" / "cat.jpg").read_bytes() == PHOTO


HURRIED = """
from imagejob_worker import process
from imagejob_worker.storage import transfer
transfer.WINDOW = 1
raise SystemExit(process.main())
"""


def test_a_store_that_drips_ends_its_item_long_before_its_time(place: Workplace) -> None:
    """The order has the minimum rate; it is judged over one second here instead of 30."""

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        gone = threading.Event()
        while not gone.wait(0.05):
            try:
                request.wfile.write(b"x")
            except OSError:
                gone.set()

    with serving(Stub(drip)) as stub:
        order = hanging(place, stub.endpoint)
        order["items"][1]["limits"]["minBytesPerSecond"] = 16384
        order["items"][1]["timeoutSeconds"] = 3600
        with started(place, order, [sys.executable, "-c", HURRIED]) as worker:
            assert worker.wait(SECONDS) == 0

    _, entry = reported(place)
    assert isinstance(entry, report.Failed)
    assert entry.reason == "StorageUnavailable"
    assert "where at least 16384 bytes a second have to move" in entry.message
