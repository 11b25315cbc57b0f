"""Real children that crash, hang, eat and lie: each ends its own item, and the next one is well."""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import psutil
import pytest
from conditions import alive, until
from imagejob_worker import runner
from imagejob_worker.facts import Kind, Made, Note, Processed, SourceFacts
from imagejob_worker.failures import ItemFailure
from imagejob_worker.order import Destination, Item, Limits, Order, Output, Source, Store, Volume
from imagejob_worker.report import Done, Entry, Failed
from imagejob_worker.sandbox import LaneLostError

MEMORY = 64 << 20
GOOD = SourceFacts("jpeg", 4, 3, 1)
SECRET = b"the platform's own"
FILES = Path("/proc/self/fd")

# obstore, loaded by other tests, has threads in this process. The worker's has none when it forks.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")

Behaviour = Callable[[Path], Any]


def make(place: Path, name: str = "0", data: bytes = b"a picture") -> Processed:
    """What the pipeline does, without a picture."""
    path = place / "outputs" / name
    path.write_bytes(data)
    made = Made("thumb", "webp", 2, 1, len(data), path, "image/webp")
    return Processed(GOOD, (made,), Kind.GPS, Note(0))


def signalled(number: int) -> Behaviour:
    return lambda _: os.kill(os.getpid(), number)


def raising(error: Exception) -> Behaviour:
    def behaviour(_: Path) -> NoReturn:
        raise error

    return behaviour


def say(raw: bytes) -> None:
    """Write straight into the pipe to the lane, as code that an image took over would."""
    for path in FILES.iterdir():
        descriptor = int(path.name)
        try:
            if descriptor > 2 and stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.write(descriptor, raw)
        except OSError:
            continue  # the listing's own descriptor, or a pipe's other end


def lie(answer: Any, place: Path, prepare: Behaviour = lambda _: None) -> NoReturn:
    prepare(place)
    say(msgspec.msgpack.encode(answer))
    os._exit(0)


def product(file: str, name: str = "thumb", format_: str = "webp") -> Any:
    return [1, ["jpeg", 4, 3, 1], [[name, file, format_, 2, 1]], 0, 0]


def flood(_: Path) -> None:
    while True:
        say(bytes(1 << 16))


def fill_folder(place: Path) -> None:
    for name in ("a", "b/c"):
        (place / "outputs" / name).mkdir(parents=True)
    (place / "outputs" / "b" / "locked").mkdir(mode=0)
    (place / "outputs" / "out").symlink_to("/")
    (place / "outputs" / "b" / "part").write_bytes(bytes(1000))
    os.kill(os.getpid(), signal.SIGSEGV)


def secret(place: Path) -> Path:
    return place.parent.parent / "secret"


BAD: dict[str, tuple[Behaviour, str, str]] = {
    "segmentation fault": (lambda _: ctypes.string_at(0), "CorruptImage", "SIGSEGV"),
    "abort": (lambda _: os.abort(), "CorruptImage", "SIGABRT"),
    "bus error": (signalled(signal.SIGBUS), "CorruptImage", "SIGBUS"),
    "killed": (signalled(signal.SIGKILL), "OutOfMemory", "kernel"),
    "memory": (lambda _: bytearray(1 << 30), "OutOfMemory", "memory"),
    "memory, slowly": (lambda _: [bytes(1 << 20) for _ in range(1000)], "OutOfMemory", "memory"),
    "a crash for want of memory": (
        lambda _: (bytearray(40 << 20), os.abort()), "OutOfMemory", "SIGABRT",
    ),
    "endless loop": (lambda _: sum(iter(int, 1)), "TimedOut", "longer"),
    "waits for ever": (lambda _: signal.pause(), "TimedOut", "longer"),
    "out of CPU time": (signalled(signal.SIGXCPU), "TimedOut", "longer"),
    "deaf to signals": (
        lambda _: (signal.signal(signal.SIGTERM, signal.SIG_IGN), signal.pause()),
        "TimedOut", "longer",
    ),
    "a file too large": (
        lambda place: make(place, data=bytes(MEMORY // 2)) and
        os.truncate(place / "outputs" / "0", MEMORY + 1),
        "TooLarge", f"more than {MEMORY} bytes",
    ),
    "its own reason": (
        raising(ItemFailure("UnsupportedFormat", "a PSD", GOOD)), "UnsupportedFormat", "a PSD",
    ),
    "a bug": (raising(ValueError("oops")), "Internal", "ValueError: oops"),
    "out of space": (raising(OSError(28, "No space left")), "Internal", "no room"),
    "ends silently": (lambda _: os._exit(0), "Internal", "no sensible answer"),
    "ends with a code": (lambda _: os._exit(3), "Internal", "code 3"),
    "exits": (lambda _: sys.exit(0), "Internal", "no sensible answer"),
    "noise": (lambda place: lie(b"\xff" * 99, place), "Internal", "no sensible answer"),
    "floods the pipe": (flood, "TimedOut", "longer"),
    "other outputs": (
        lambda place: lie(product("0", name="else"), place, make), "Internal", "other outputs",
    ),
    "another format": (
        lambda place: lie(product("0", format_="png"), place, make), "Internal", "other outputs",
    ),
    "no file": (lambda place: lie(product("0"), place), "Internal", "isn't there"),
    "a path upwards": (
        lambda place: lie(product("../source"), place), "Internal", "no sensible answer",
    ),
    "a symbolic link": (
        lambda place: lie(
            product("0"), place, lambda at: (at / "outputs" / "0").symlink_to(secret(at))
        ),
        "Internal", "isn't there",
    ),
    "a hard link": (
        lambda place: lie(
            product("0"), place, lambda at: (at / "outputs" / "0").hardlink_to(secret(at))
        ),
        "Internal", "no file of its own",
    ),
    "a named pipe": (
        lambda place: lie(product("0"), place, lambda at: os.mkfifo(at / "outputs" / "0")),
        "Internal", "no file of its own",
    ),
    "a folder": (
        lambda place: lie(product("0"), place, lambda at: (at / "outputs" / "0").mkdir()),
        "Internal", "no file of its own",
    ),
    "another folder in its place": (
        lambda place: lie(
            product("secret"), place,
            lambda at: (
                (at / "outputs").rename(at / "moved"),
                (at / "outputs").symlink_to(secret(at).parent),
            ),
        ),
        "Internal", "isn't there",
    ),
    "leaves a mess": (fill_folder, "CorruptImage", "SIGSEGV"),
}  # fmt: skip


class Bench:
    """A worker's folders, and orders whose items do as told instead of reading pictures."""

    def __init__(self, root: Path) -> None:
        self.root, self.box, self.scratch = root, root / "stores" / "box", root / "scratch"
        for folder in (self.box, self.scratch):
            folder.mkdir(parents=True)
        (self.box / "in").write_bytes(b"a source")
        secret(self.scratch / "0").write_bytes(SECRET)
        self.others = psutil.Process().children()  # such as servers of other tests

    def order(self, items: int, parallelism: int = 1, timeout: int = 1) -> Order:
        item = (Source("box", "in"), Destination("box", "out"), (Output("thumb", format="webp"),))
        limits = Limits(100, 1, 1)
        return Order(
            tuple(Item(f"u{n}", *item, limits, timeout_seconds=timeout) for n in range(items)),
            {"box": Store(volume=Volume())},
            MEMORY,
            parallelism=parallelism,
        )

    def run(self, *behaviours: Behaviour, parallelism: int = 1, timeout: int = 1) -> list[Entry]:
        ended: dict[int, Entry] = {}

        def prepare() -> Callable[[int, str], Processed]:
            return lambda index, folder: behaviours[index](Path(folder))

        runner.run(
            self.order(len(behaviours), parallelism, timeout),
            str(self.root / "stores"),
            str(self.scratch),
            ended.__setitem__,
            prepare,
        )
        return [ended[index] for index in range(len(behaviours))]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


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


def test_what_was_known_of_the_source_is_reported_with_a_failure(bench: Bench) -> None:
    (ended,) = bench.run(BAD["its own reason"][0])

    assert isinstance(ended, Failed)
    assert ended.source
    assert (ended.source.format, ended.source.width, ended.source.bytes) == (1, 4, 8)


def told(bench: Bench, find_out: Callable[[], Any]) -> Any:
    """Ask something of inside a child."""

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
    import resource

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


def test_items_run_side_by_side_in_as_many_lanes_as_asked(bench: Bench) -> None:
    def meet(place: Path) -> Processed:
        """Go on only once three of these run at the same time."""
        (bench.root / f"here-{place.name}").touch()
        until(lambda: len(list(bench.root.glob("here-*"))) >= 3)
        return make(place)

    ended = bench.run(meet, meet, meet, make, BAD["abort"][0], parallelism=3, timeout=20)

    assert [type(entry) for entry in ended] == [Done, Done, Done, Done, Failed]


def test_a_lane_that_cannot_load_is_a_fault_of_the_worker(bench: Bench) -> None:
    def prepare() -> NoReturn:
        raise ImportError("no such library")

    stores, scratch = str(bench.root / "stores"), str(bench.scratch)
    with pytest.raises(LaneLostError):
        runner.run(bench.order(1), stores, scratch, print, prepare)

    assert bench.others == psutil.Process().children()


WAITING = """
import signal, sys
sys.path[:0] = [{here!r}, {tests!r}]
from pathlib import Path
from test_sandbox import Bench
def wait(_): signal.pause()
Bench(Path({root!r})).run(wait, wait, parallelism=2, timeout=60)
"""


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in two lanes, whose children wait for ever."""
    here = Path(__file__).parent
    script = WAITING.format(here=str(here), tests=str(here.parents[1]), root=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def descendants(process: subprocess.Popen[bytes], count: int) -> list[psutil.Process]:
    def found() -> list[psutil.Process]:
        children = psutil.Process(process.pid).children(recursive=True)
        return children if len(children) == count else []

    return until(found)


def test_no_child_outlives_a_worker_that_is_killed(waiting: subprocess.Popen[bytes]) -> None:
    children = descendants(waiting, 4)

    waiting.kill()

    until(lambda: not any(alive(child.pid) for child in children))


def test_no_child_outlives_a_lane_that_is_killed(waiting: subprocess.Popen[bytes]) -> None:
    children = descendants(waiting, 4)
    (first,) = psutil.Process(waiting.pid).children()
    (orphan,) = [child for child in first.children() if not child.children()]

    first.kill()

    until(lambda: not alive(orphan.pid))
    assert children
