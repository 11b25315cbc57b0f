"""The worker as the cluster runs it: a process, an environment, folders, a real S3 server."""

from __future__ import annotations

import hashlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psutil
import pytest
from imagejob_dev.s3 import S3Server
from imagejob_worker.contract import report
from PIL import Image
from support import worker_process
from support.conditions import SECONDS, alive, until
from support.s3_stores import Stub, serving
from support.specimens import jpeg
from support.worker_process import Workplace

PHOTO = jpeg.encode(Image.linear_gradient("L").convert("RGB"))
DIGEST = hashlib.sha256(PHOTO).digest()
READ = report.Read(report.source(len(PHOTO), DIGEST))
WORKER = [sys.executable, "-W", "error", "-m", "imagejob_worker"]


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    place = Workplace(tmp_path / "pod")
    place.put("box", "cat.jpg", PHOTO)
    return place


@contextmanager
def started(
    place: Workplace, order: dict[str, Any], command: list[str] = WORKER
) -> Iterator[psutil.Popen]:
    environment = place._environment(worker_process.encoded(order))
    with psutil.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            with suppress(psutil.NoSuchProcess):  # as it should be
                process.kill()


def reported(place: Workplace) -> list[report.Entry | report.Read | None]:
    text = place.report.read_text("ascii")
    return report.decode(text) if text else []


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
    environment = place._environment(order)
    ended = subprocess.run(WORKER, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert words in ended.stderr
    assert words in place.report.read_text("ascii")
    assert not place.report.read_text("ascii").startswith(report.PREFIX)


@pytest.mark.parametrize("missing", ["ORDER", "STORES", "SCRATCH", "REPORT"])
def test_a_variable_that_is_missing_is_named(place: Workplace, missing: str) -> None:
    environment = place._environment("")
    del environment[f"IMAGEJOB_{missing}"]
    ended = subprocess.run(WORKER, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert f"IMAGEJOB_{missing}" in ended.stderr


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def hanging(place: Workplace, endpoint: str) -> dict[str, Any]:
    """Two items: one that finishes, and one whose store never answers."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        place.put("silent", name, b"x")
    outputs = [{"name": "thumb", "width": 8, "format": "png"}]
    good = worker_process.item("cat.jpg", outputs)
    bad = worker_process.item("cat.jpg", outputs, source={"store": "silent", "key": "k"})
    stores = {"box": {"volume": {}}, "silent": {"s3": {"endpoint": endpoint, "bucket": "bucket"}}}
    return worker_process.order([good, bad], stores=stores)


def finished_first(place: Workplace) -> bool:
    return [type(entry) for entry in reported(place)] == [report.Done, type(None)]


def test_told_to_stop_it_ends_at_once_with_what_is_finished_reported(
    place: Workplace, silent: str
) -> None:
    with started(place, hanging(place, silent)) as worker:
        until(lambda: finished_first(place))
        children = worker.children(recursive=True)
        start = time.monotonic()

        worker.send_signal(signal.SIGTERM)

        assert worker.wait(SECONDS) == 143
        assert time.monotonic() - start < 5
        assert "stopped by SIGTERM" in worker.stderr.read()
    assert children
    assert not any(alive(child.pid) for child in children)
    assert finished_first(place)


BRIEF = """
from imagejob_worker import process, runner
runner.SPARE = -59.0
raise SystemExit(process.main())
"""


def test_once_its_time_is_over_it_ends_by_itself(place: Workplace, silent: str) -> None:
    order = hanging(place, silent)
    for item in order["items"]:
        item["timeoutSeconds"] = 30
    with started(place, order, [sys.executable, "-c", BRIEF]) as worker:
        until(lambda: finished_first(place))

        assert worker.wait(SECONDS) == 142
        assert "stopped: its time is over" in worker.stderr.read()
    assert finished_first(place)


def test_killed_it_has_reported_what_is_finished(place: Workplace, silent: str) -> None:
    with started(place, hanging(place, silent)) as worker:
        until(lambda: finished_first(place))
        children = worker.children(recursive=True)

        worker.kill()

        until(lambda: not any(alive(child.pid) for child in children))
    assert finished_first(place)


WAITING = """
from threading import Event
from imagejob_worker import process, runner
def wait(request):
    open(request.folder + "/outputs/here", "w").close()
    return lambda decoded: Event().wait()
runner._pipeline = lambda order: wait
raise SystemExit(process.main())
"""


def test_before_anything_is_fetched_the_report_says_so(place: Workplace, silent: str) -> None:
    order = hanging(place, silent)
    order["items"].reverse()
    with started(place, order) as worker:
        until(lambda: reported(place))

        worker.kill()

    assert reported(place) == [None, None]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_a_worker_the_source_that_it_works_on_is_in_its_report(
    place: Workplace, stop: signal.Signals
) -> None:
    item = worker_process.item("cat.jpg", [{"name": "o"}])
    with started(place, worker_process.order([item]), [sys.executable, "-c", WAITING]) as worker:
        until(lambda: list(place.scratch.rglob("here")))

        worker.send_signal(stop)

        worker.wait(SECONDS)
    assert reported(place) == [READ]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("parallelism", [1, 2])
def test_whenever_it_is_ended_what_was_reported_stays(
    place: Workplace, stop: signal.Signals, parallelism: int
) -> None:
    """It is killed at each moment at which its report says something new."""
    outputs = [{"name": "o", "width": 64, "format": "png"}]
    items = [
        worker_process.item(
            "cat.jpg",
            outputs,
            uid=f"u{number}",
            destination={"store": "box", "prefix": f"{number}"},
        )
        for number in range(3)
    ]
    order = worker_process.order(items, parallelism=parallelism)

    for known in range(4):
        place.report.write_text("")
        with started(place, order) as worker:
            until(lambda known=known: progress(place) >= known)  # type: ignore[misc]
            seen = progress(place)

            worker.send_signal(stop)

            worker.wait(SECONDS)
        assert progress(place) >= seen
        for folder in place.scratch.iterdir():
            shutil.rmtree(folder)


def progress(place: Workplace) -> int:
    """The number of sources read and of items finished; -1 before there is a report."""
    entries = reported(place)
    read = sum(entry is not None for entry in entries)
    return read + sum(isinstance(entry, report.Done) for entry in entries) if entries else -1


@pytest.mark.parametrize(("items", "processes"), [(1, 1), (2, 2)])
def test_told_to_stop_it_ends_the_child_that_is_at_work(
    place: Workplace, items: int, processes: int
) -> None:
    """A single item's child is the worker's own; otherwise there is a fork server in between."""
    item = worker_process.item("cat.jpg", [{"name": "o"}])
    order = worker_process.order([item] * items)
    with started(place, order, [sys.executable, "-c", WAITING]) as worker:
        until(lambda: list(place.scratch.rglob("here")))
        children = worker.children(recursive=True)
        assert len(children) == processes

        worker.send_signal(signal.SIGTERM)

        assert worker.wait(SECONDS) == 143
    until(lambda: not any(alive(child.pid) for child in children))
    assert reported(place) == [READ] + [None] * (items - 1)


BROKEN = """
import os
from imagejob_worker import process, runner
runner._pipeline = lambda order: os._exit(9)
raise SystemExit(process.main())
"""


def test_a_worker_that_cannot_go_on_reports_no_item_for_that(place: Workplace) -> None:
    order = worker_process.order([worker_process.item("cat.jpg", [{"name": "o"}])])
    with started(place, order, [sys.executable, "-c", BROKEN]) as worker:
        assert worker.wait(SECONDS) == 1
        assert "SlotLostError" in worker.stderr.read()
    assert reported(place) == [READ]


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


LACKING = """
from imagejob_worker import process, runner
from imagejob_worker.sandbox.wall import Wall
runner.Wall = lambda mode: Wall(mode, ("Landlock",))
raise SystemExit(process.main())
"""


@pytest.mark.parametrize("items", [1, 2])
def test_on_a_node_without_landlock_the_log_and_the_report_say_so(
    place: Workplace, items: int
) -> None:
    item = worker_process.item("cat.jpg", [{"name": "o", "width": 8}])
    others = {"destination": {"store": "box", "prefix": "other"}}

    run = place.run(worker_process.order([item, item | others][:items]), ["-c", LACKING])

    assert [end and (end.reason, end.notes) for end in run.ended] == [("Succeeded", 4)] * items
    assert run.log.startswith("this node has no Landlock: images are decoded with one protection")


def test_where_the_whole_wall_is_required_nothing_is_fetched_without_it(place: Workplace) -> None:
    order = worker_process.order(
        [worker_process.item("no-such-object", [{"name": "o"}])], sandbox="require"
    )

    (end,) = place.run(order, ["-c", LACKING]).ended

    assert end
    assert (end.reason, end.source) == ("Internal", ())
    assert end.message == "this node has no Landlock, which worker.sandbox: require asks for"


def test_with_the_whole_wall_the_log_says_nothing_of_it(place: Workplace) -> None:
    item = worker_process.item("cat.jpg", [{"name": "o", "width": 8}])

    run = place.run(worker_process.order([item], sandbox="require"))

    assert [end and (end.reason, end.notes) for end in run.ended] == [("Succeeded", 0)]
    assert "this node" not in run.log
