"""A worker whose decoders have been taken over: in each child, planted code tries one way out.

Run as a program, with the worker, the standard library and two modules of the tests; in a pod, with
`as_text()` for `python -c`. Prints one JSON object, and writes it into the file REPORT: by way,
`killed`, `refused: ERRNO`, or `OPEN: what came of it`. Without arguments, each way is tried behind
the whole wall.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from imagejob_worker import runner
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import Order
from imagejob_worker.contract.report import Entry
from imagejob_worker.sandbox import kernel
from imagejob_worker.sandbox.wall import Wall

from support import raw_calls, ways_out
from support.raw_calls import LIBC
from support.ways_out import WAYS, Place

SECRET = "AWS_SECRET_ACCESS_KEY"
SET_DUMPABLE = 4


def as_text() -> str:
    """This program and what it imports of the tests in one text, for where the tests are not."""
    lines = ["import sys, types", "support = sys.modules['support'] = types.ModuleType('support')"]
    for module in (raw_calls, ways_out):
        name, text = module.__name__, Path(module.__file__).read_text()
        lines += [
            f"module = sys.modules[{name!r}] = types.ModuleType({name!r})",
            f"support.{name.removeprefix('support.')} = module",
            f"exec({text!r}, module.__dict__)",
        ]
    return "\n".join([*lines, f"exec({Path(__file__).read_text()!r})"])


class Worker:
    """Orders whose items each try one way, with so many items each."""

    def __init__(self, root: Path, secret: Path | None, without: tuple[Any, ...]) -> None:
        self._root = root
        self._scratch = root / "scratch"
        self._without = without
        box = root / "stores" / "box"
        for folder in (box, self._scratch, root / "stores" / "uploads"):
            folder.mkdir(parents=True)
        (box / "in").write_bytes(b"a source")
        self._secret = secret or root / "stores" / "uploads" / SECRET
        if secret is None:
            self._secret.write_bytes(b"secret")
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._port = self._tcp.getsockname()[1]
        self._unix = socket.socket(socket.AF_UNIX)
        os.chdir(root)  # the path of a socket has at most 107 bytes
        self._unix.bind("socket")
        self._unix.listen()
        self._name = f"\0imagejob-{os.getpid()}"
        self._abstract = socket.socket(socket.AF_UNIX)
        self._abstract.bind(self._name)
        self._abstract.listen()

    def run(self, names: list[str], sandbox: str) -> dict[str, str]:
        ended: dict[int, Entry] = {}
        worker = os.getpid()

        def prepare() -> Any:
            return lambda request: self._planted(names[request.index], request.folder, worker)

        runner.Wall = lambda mode: Wall(mode, self._without)  # type: ignore[assignment,misc]
        order = self._order(len(names), sandbox)
        stores = str(self._root / "stores")
        runner.run(order, stores, str(self._scratch), ended.__setitem__, prepare)
        return {name: verdict(ended[index]) for index, name in enumerate(names)}

    def _planted(self, name: str, folder: str, worker: int) -> Callable[[Any], NoReturn]:
        """In the child, before the wall: open what only the wall keeps from being used."""
        code = LIBC.mmap(None, 4096, 7, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        place = Place(
            folder=Path(folder),
            secret=self._secret,
            elsewhere=self._root / "elsewhere",
            worker=worker,
            parent=os.getppid(),
            port=self._port,
            unix=Path("socket"),
            abstract=self._name,
            network=os.open("/proc/self/ns/net", os.O_RDONLY),
            terminal=os.openpty()[1],
            code=code,
            null=os.open(os.devnull, os.O_RDONLY),
        )

        def attack(_: Any) -> NoReturn:
            try:
                came = WAYS[name](place)
            except OSError as error:
                words = f"refused: {errno.errorcode.get(error.errno or 0, str(error))}"
                raise ItemFailure("Internal", words) from None
            raise ItemFailure("Internal", f"OPEN: {came!r}")

        return attack

    def _order(self, items: int, sandbox: str) -> Order:
        item = {
            "source": {"store": "box", "key": "in"},
            "destination": {"store": "box", "prefix": "out"},
            "outputs": [{"name": "thumb", "format": "webp"}],
            "limits": {"maxBytes": 100, "maxPixels": 1, "maxFrames": 1},
            "timeoutSeconds": 20,
        }
        order = {
            "items": [{"uid": str(index), **item} for index in range(items)],
            "stores": {"box": {"volume": {}}},
            "childMemoryBytes": 64 << 20,
            "sandbox": sandbox,
        }
        return msgspec.convert(order, Order)


def verdict(entry: Entry) -> str:
    message = getattr(entry, "message", "done")
    if "SIGSYS" in message:
        return "killed"
    if "no valid result" in message:  # it has become another program
        return "OPEN: another program"
    return str(message)[:60]


def become(user: int) -> None:
    """Give up root, as if the program had been started by this user."""
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    kernel.prctl(SET_DUMPABLE, 1)  # a change of user makes a process one that can't be inspected


def main() -> None:
    """`ways_out.py MODE ITEMS USER [WITHOUT...]`: so many items an order; 0 is who runs this."""
    sandbox, items, user, *without = sys.argv[1:] or ["require", "20", "0"]
    if int(user):
        become(int(user))
    root = Path(tempfile.mkdtemp(dir=os.environ.get("IMAGEJOB_SCRATCH")))
    secret = os.environ.get("WAYS_OUT_SECRET")
    worker = Worker(root, Path(secret) if secret else None, tuple(without))
    names = list(WAYS)
    found: dict[str, str] = {}
    for start in range(0, len(names), int(items)):
        found |= worker.run(names[start : start + int(items)], sandbox)
    if (root / "elsewhere").exists():
        found["write elsewhere"] = "OPEN: the file exists"
    text = json.dumps(found)
    if report := os.environ.get("REPORT"):
        Path(report).write_text(text)
    print(text)  # noqa: T201 (the result)
    shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
