"""Behaviours of a sandbox's child, and a worker that runs them."""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
import psutil
from imagejob_worker import runner
from imagejob_worker.contract.facts import Kind, Made, Note, Processed, SourceFacts
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import (
    Destination,
    Item,
    Limits,
    Order,
    Output,
    Sandbox,
    Source,
    Store,
    Volume,
)
from imagejob_worker.contract.report import Entry

if TYPE_CHECKING:
    from imagejob_worker.sandbox.fork_server import Work

MEMORY = 64 << 20
GOOD = SourceFacts("jpeg", 4, 3, 1)
SECRET = b"the platform's own"
FILES = Path("/proc/self/fd")

Behaviour = Callable[[Path], Any]


def make(place: Path, name: str = "0", data: bytes = b"a picture") -> Processed:
    """Act like the pipeline, without an image."""
    path = place / "outputs" / name
    path.write_bytes(data)
    made = Made("thumb", "webp", 2, 1, len(data), str(path), "image/webp")
    return Processed(GOOD, (made,), Kind.GPS, Note(0))


def signalled(number: int) -> Behaviour:
    return lambda _: os.kill(os.getpid(), number)


def raising(error: Exception) -> Behaviour:
    def behaviour(_: Path) -> NoReturn:
        raise error

    return behaviour


def say(raw: bytes) -> None:
    """Write directly into the pipe to the fork server, as code that an image took over would."""
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
    "a crash out of memory": (
        lambda _: (bytearray(40 << 20), os.abort()), "OutOfMemory", "SIGABRT",
    ),
    "endless loop": (lambda _: sum(iter(int, 1)), "TimedOut", "time limit"),
    "waits for ever": (lambda _: signal.pause(), "TimedOut", "time limit"),
    "out of CPU time": (signalled(signal.SIGXCPU), "TimedOut", "time limit"),
    "deaf to signals": (
        lambda _: (signal.signal(signal.SIGTERM, signal.SIG_IGN), signal.pause()),
        "TimedOut", "time limit",
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
    "out of space": (raising(OSError(28, "No space left")), "Internal", "is full"),
    "ends silently": (lambda _: os._exit(0), "Internal", "no valid result"),
    "ends with a code": (lambda _: os._exit(3), "Internal", "code 3"),
    "exits": (lambda _: sys.exit(0), "Internal", "no valid result"),
    "noise": (lambda place: lie(b"\xff" * 99, place), "Internal", "no valid result"),
    "floods the pipe": (flood, "TimedOut", "time limit"),
    "other outputs": (
        lambda place: lie(product("0", name="else"), place, make), "Internal", "other outputs",
    ),
    "another format": (
        lambda place: lie(product("0", format_="png"), place, make), "Internal", "other outputs",
    ),
    "no file": (lambda place: lie(product("0"), place), "Internal", "is missing"),
    "a path upwards": (
        lambda place: lie(product("../source"), place), "Internal", "no valid result",
    ),
    "a symbolic link": (
        lambda place: lie(
            product("0"), place, lambda at: (at / "outputs" / "0").symlink_to(secret(at))
        ),
        "Internal", "is missing",
    ),
    "a hard link": (
        lambda place: lie(
            product("0"), place, lambda at: (at / "outputs" / "0").hardlink_to(secret(at))
        ),
        "Internal", "not a regular file of its own",
    ),
    "a named pipe": (
        lambda place: lie(product("0"), place, lambda at: os.mkfifo(at / "outputs" / "0")),
        "Internal", "not a regular file of its own",
    ),
    "a folder": (
        lambda place: lie(product("0"), place, lambda at: (at / "outputs" / "0").mkdir()),
        "Internal", "not a regular file of its own",
    ),
    "another folder in its place": (
        lambda place: lie(
            product("secret"), place,
            lambda at: (
                (at / "outputs").rename(at / "moved"),
                (at / "outputs").symlink_to(secret(at).parent),
            ),
        ),
        "Internal", "is missing",
    ),
    "leaves a mess": (fill_folder, "CorruptImage", "SIGSEGV"),
}  # fmt: skip


class Bench:
    """A worker's folders, and orders whose items run a behaviour instead of processing images."""

    def __init__(self, root: Path) -> None:
        self.root, self.box, self.scratch = root, root / "stores" / "box", root / "scratch"
        for folder in (self.box, self.scratch):
            folder.mkdir(parents=True)
        (self.box / "in").write_bytes(b"a source")
        secret(self.scratch / "0").write_bytes(SECRET)
        self.others = psutil.Process().children()  # such as servers of other tests

    def order(
        self, items: int, parallelism: int = 1, timeout: int = 1, sandbox: Sandbox = "off"
    ) -> Order:
        """Without a wall unless asked for: a child that can do nothing could test nothing."""
        item = (Source("box", "in"), Destination("box", "out"), (Output("thumb", format="webp"),))
        limits = Limits(100, 1, 1)
        return Order(
            tuple(Item(f"u{n}", *item, limits, timeout_seconds=timeout) for n in range(items)),
            {"box": Store(volume=Volume())},
            MEMORY,
            parallelism=parallelism,
            sandbox=sandbox,
        )

    def run(
        self,
        *behaviours: Behaviour,
        parallelism: int = 1,
        timeout: int = 1,
        sandbox: Sandbox = "off",
    ) -> list[Entry]:
        ended: dict[int, Entry] = {}

        def prepare() -> Work:
            return lambda request: lambda _: behaviours[request.index](Path(request.folder))

        runner.run(
            self.order(len(behaviours), parallelism, timeout, sandbox),
            str(self.root / "stores"),
            str(self.scratch),
            ended.__setitem__,
            prepare,
        )
        return [ended[index] for index in range(len(behaviours))]
