"""Real children that crash, hang, use up memory and lie: each fails its own item only."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import psutil
import pytest
from imagejob_worker import runner
from imagejob_worker.contract.facts import Processed
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.report import Done, Entry, Failed
from imagejob_worker.sandbox import ipc
from imagejob_worker.sandbox.pool import SlotLostError
from support.children import BAD, FILES, MEMORY, Behaviour, Bench, make, secret
from support.conditions import alive, until

if TYPE_CHECKING:
    from imagejob_worker.sandbox.fork_server import Work

# Other tests have left threads in this process. The worker has none when it forks.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(("behaviour", "reason", "words"), BAD.values(), ids=BAD)
def test_a_bad_child_of_the_only_item_ends_the_same(
    bench: Bench, behaviour: Behaviour, reason: str, words: str
) -> None:
    (bad,) = bench.run(behaviour)

    assert isinstance(bad, Failed)
    assert reason == bad.reason
    assert words in bad.message
    assert bench.others == psutil.Process().children()


@pytest.mark.parametrize(("behaviour", "reason", "words"), BAD.values(), ids=BAD)
def test_a_bad_child_ends_its_own_item_only(
    bench: Bench, behaviour: Behaviour, reason: str, words: str
) -> None:
    bad, good = bench.run(behaviour, make)

    assert isinstance(bad, Failed)
    assert reason == bad.reason
    assert words in bad.message
    assert isinstance(good, Done)
    assert (bench.box / "out" / "thumb.webp").read_bytes() == b"a picture"
    assert list(bench.scratch.iterdir()) == []
    assert bench.others == psutil.Process().children()


def test_nothing_is_stored_of_an_item_that_fails(bench: Bench) -> None:
    def half(place: Path) -> NoReturn:
        make(place)
        raise ItemFailure("OutOfMemory", "in the second output")

    bench.run(half)

    assert [path.name for path in bench.box.iterdir()] == ["in"]


def test_nothing_is_stored_once_the_worker_s_time_is_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its node was away meanwhile: the operator may have had it stored by another worker."""
    monkeypatch.setattr(runner, "SPARE", -60.0)

    (ended,) = bench.run(make)

    assert isinstance(ended, Failed)
    assert (ended.reason, ended.message) == (
        "TimedOut",
        "the worker's time was over before out/thumb.webp was stored",
    )
    assert [path.name for path in bench.box.iterdir()] == ["in"]


def test_what_was_known_of_the_source_is_reported_with_a_failure(bench: Bench) -> None:
    (ended,) = bench.run(BAD["its own reason"][0])

    assert isinstance(ended, Failed)
    assert ended.source
    assert (ended.source.format, ended.source.width, ended.source.bytes) == (1, 4, 8)


def told(bench: Bench, find_out: Callable[[], Any]) -> Any:
    """Ask something inside a child."""

    def ask(_: Path) -> NoReturn:
        raise ItemFailure("Internal", repr(find_out()))

    (ended,) = bench.run(ask)
    assert isinstance(ended, Failed)
    return ended.message


def test_a_child_holds_nothing_open_but_its_two_pipes(bench: Bench) -> None:
    def find_out() -> list[str]:
        links = [path.readlink() for path in FILES.iterdir() if path.is_symlink()]
        return sorted(str(link).split(":")[0] for link in links if FILES.parent not in link.parents)

    with secret(bench.scratch / "0").open() as other:
        os.set_inheritable(other.fileno(), True)  # noqa: FBT003
        found = told(bench, find_out)

    standard_error = str((FILES / "2").readlink()).split(":")[0]
    assert found == repr(sorted(["/dev/null", "/dev/null", standard_error, "pipe", "pipe"]))


def test_a_child_can_leave_no_core_and_open_few_files(bench: Bench) -> None:
    kinds = [resource.RLIMIT_CORE, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE]
    found = told(bench, lambda: [resource.getrlimit(kind) for kind in kinds])

    assert found == repr([(0, 0), (64, 64), (MEMORY, MEMORY)])


def test_what_a_child_started_ends_with_it(bench: Bench) -> None:
    def beget(place: Path) -> Processed:
        if (child := os.fork()) == 0:
            signal.pause()
        secret(place).write_text(str(child))
        return make(place)

    (ended,) = bench.run(beget)

    assert isinstance(ended, Done)
    until(lambda: not alive(int(secret(bench.scratch / "0").read_text())))


def test_items_run_concurrently_in_as_many_slots_as_requested(bench: Bench) -> None:
    def meet(place: Path) -> Processed:
        """Continue only when three of these run at the same time."""
        (bench.root / f"here-{place.name}").touch()
        until(lambda: len(list(bench.root.glob("here-*"))) >= 3)
        return make(place)

    ended = bench.run(meet, meet, meet, make, BAD["abort"][0], parallelism=3, timeout=20)

    assert [type(entry) for entry in ended] == [Done, Done, Done, Done, Failed]


def test_a_crash_after_decoding_is_no_fault_of_the_image(bench: Bench) -> None:
    def prepare() -> Work:
        def crash(decoded: Callable[[], None]) -> NoReturn:
            decoded()
            os.abort()

        return lambda _: crash

    ended: dict[int, Entry] = {}
    stores, scratch = str(bench.root / "stores"), str(bench.scratch)
    runner.run(bench.order(1), stores, scratch, ended.__setitem__, prepare)

    entry = ended[0]
    assert isinstance(entry, Failed)
    assert (entry.reason, "SIGABRT" in entry.message) == ("Internal", True)


def test_a_slot_that_cannot_load_is_a_fault_of_the_worker(bench: Bench) -> None:
    def prepare() -> NoReturn:
        raise ImportError("no such library")

    stores, scratch = str(bench.root / "stores"), str(bench.scratch)
    with pytest.raises(SlotLostError):
        runner.run(bench.order(1), stores, scratch, print, prepare)

    assert bench.others == psutil.Process().children()


def test_a_late_signal_of_a_request_kills_no_child(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux sends SIGIO for a write after waking the reader: here, once the reader is at work."""
    begun, told, worker = tmp_path / "begun", tmp_path / "told", os.getpid()
    send = ipc.send

    def send_late(pipe: int, message: object) -> None:
        send(pipe, message)
        if os.getpid() == worker:
            until(begun.exists)
            with suppress(BrokenPipeError):  # there is nobody to report to
                os.write(pipe, b"again")
            told.touch()

    def work(place: Path) -> Processed:
        begun.touch()
        until(told.exists)
        return make(place)

    monkeypatch.setattr(ipc, "send", send_late)
    (only,) = bench.run(work)

    assert isinstance(only, Done), only


@pytest.mark.parametrize("items", [1, 2])
def test_nothing_stays_open_when_an_order_is_done(bench: Bench, items: int) -> None:
    bench.run(*[make] * items, parallelism=2)
    before = len(list(FILES.iterdir()))

    bench.run(*[make] * items, parallelism=2)

    assert len(list(FILES.iterdir())) == before
