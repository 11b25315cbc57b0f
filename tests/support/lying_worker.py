"""A worker whose children lie, as if an image had taken them over: the item's key says how.

Run as a program, with a worker's environment. Only `pipeline.process` is not the real worker's.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from imagejob_worker import process
from imagejob_worker.contract.facts import Kind, Made, Note, Processed, SourceFacts
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import Item
from imagejob_worker.image import pipeline
from imagejob_worker.image.files import Files

honest = pipeline.process
SECRET = "AWS_SECRET_ACCESS_KEY"


def answer(folder: Path, **changes: Any) -> Processed:
    """A plausible result with one file, `0.png`, and some change."""
    path = folder / "0.png"
    if not path.exists() and not path.is_symlink():
        path.write_bytes(b"not a picture, which is the child's own affair")
    made = Made("thumb", "png", 8, 8, path.stat().st_size, str(path), "image/png")
    facts = SourceFacts("jpeg", 8, 8, 1)
    made = msgspec.structs.replace(
        made, **{key: value for key, value in changes.items() if hasattr(made, key)}
    )
    outputs = changes.get("outputs", (made,))
    kinds, notes = changes.get("removed", Kind(0)), changes.get("notes", Note(0))
    return Processed(changes.get("source", facts), outputs, kinds, notes)


def pipe() -> int:
    """The pipe to the worker: the one descriptor that a child inherits."""
    for path in sorted(Path("/proc/self/fd").iterdir()):
        try:
            if int(path.name) > 2 and str(path.readlink()).startswith("pipe:"):
                return int(path.name)
        except FileNotFoundError:
            continue  # that was the listing's own
    raise LookupError("no pipe")


def say(data: bytes, code: int = 0) -> NoReturn:
    """Write directly to the pipe to the worker, and end."""
    os.write(pipe(), data)
    os._exit(code)


def secret(folder: Path) -> Path:
    """The store's secret: what a lie would like to have uploaded."""
    return folder.parents[2] / "stores" / "box" / SECRET


def symbolic_link(folder: Path) -> Processed:
    (folder / "0.png").symlink_to(secret(folder))
    return answer(folder)


def hard_link(folder: Path) -> Processed:
    (folder / "0.png").hardlink_to(secret(folder))
    return answer(folder)


def folder_swapped(folder: Path) -> Processed:
    """Replace the outputs' folder by a link to the folder of the credentials."""
    made = answer(folder, path=str(folder / SECRET))
    (folder / "0.png").unlink()
    folder.rmdir()
    folder.symlink_to(secret(folder).parent)
    return made


def pipe_for_file(folder: Path) -> Processed:
    os.mkfifo(folder / "0.png")
    return answer(folder)


def folder_for_file(folder: Path) -> Processed:
    (folder / "0.png").mkdir()
    return answer(folder)


def file_missing(folder: Path) -> Processed:
    made = answer(folder)
    (folder / "0.png").unlink()
    return made


def locked_folder(folder: Path) -> Processed:
    deep = folder / "deep"
    deep.mkdir()
    (deep / "file").touch()
    deep.chmod(0)
    folder.chmod(0)
    folder.parent.chmod(0)
    raise ItemFailure("Internal", "locked")


def orphan(folder: Path) -> Processed:
    """Leave a process behind that holds the pipe open."""
    if os.fork() == 0:
        time.sleep(2)  # the file of the lie: it still exists when the child has ended
        os._exit(0)
    return answer(folder)


def flood(folder: Path) -> NoReturn:
    del folder
    worker = pipe()
    while True:
        os.write(worker, b"x" * 65536)


def spin(folder: Path) -> NoReturn:
    del folder
    while True:
        pass


def hang(folder: Path) -> NoReturn:
    del folder
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)


def hoard(folder: Path) -> NoReturn:
    del folder
    held = []
    while True:
        held.append(bytearray(16 << 20))


def loosen(folder: Path) -> NoReturn:
    """Try to lift the limits, then use up memory."""
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):
        try:
            resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except (ValueError, OSError):
            continue
    hoard(folder)


def fill(folder: Path) -> NoReturn:
    with (folder / "0.png").open("wb") as file:
        while True:
            file.write(b"\0" * (16 << 20))


def refuse(reason: Any, message: str) -> Callable[[Path], NoReturn]:
    def lie(folder: Path) -> NoReturn:
        del folder
        raise ItemFailure(reason, message)

    return lie


def die(number: int) -> Callable[[Path], NoReturn]:
    def lie(folder: Path) -> NoReturn:
        del folder
        os.kill(os.getpid(), number)
        os._exit(0)

    return lie


def claim(**changes: Any) -> Callable[[Path], Processed]:
    return lambda folder: answer(folder, **changes)


LIES: dict[str, Callable[[Path], Processed]] = {
    "nothing": lambda _: say(b""),
    "garbage": lambda _: say(b"\xc1" * 100),
    "half": lambda _: say(msgspec.msgpack.encode([1, ["jpeg", 8, 8, 1], [["thumb"]]])),
    "null": lambda _: say(b"\xc0"),
    "deeply-nested": lambda _: say(b"\x91" * 60_000),
    "claims-4-gib": lambda _: say(b"\xdd\xff\xff\xff\xff"),
    "answers-and-fails": lambda _: say(msgspec.msgpack.encode([2, "TooLarge", "no", None]), 7),
    "flood": flood,
    "unknown-reason": refuse("Victory", "a reason of its own"),
    "quota-reason": refuse("QuotaExceeded", "a reason that is the operator's"),
    "long-message": refuse("TooLarge", "x" * 100_000),
    "message-with-a-report": refuse("TooLarge", "ij1:0\nij1:1\r\n\0\x1b[2J\u202e\U0001f431"),
    "other-name": claim(name="another"),
    "no-outputs": claim(outputs=()),
    "other-format": claim(format="jpeg"),
    "unknown-format": claim(format="exe"),
    "file-above": claim(path=".."),
    "file-elsewhere": claim(path="/etc/passwd"),
    "side-of-0": claim(width=0),
    "side-of-2-to-the-40": claim(width=1 << 40),
    "unknown-kinds": claim(removed=1 << 20),
    "unknown-notes": claim(notes=1 << 20),
    "negative-kinds": claim(removed=-1),
    "source-of-2-to-the-31": claim(source=SourceFacts("jpeg", 1 << 31, 1 << 31, 1 << 31)),
    "symbolic-link": symbolic_link,
    "hard-link": hard_link,
    "folder-swapped": folder_swapped,
    "pipe-for-file": pipe_for_file,
    "folder-for-file": folder_for_file,
    "file-missing": file_missing,
    "locked-folder": locked_folder,
    "orphan": orphan,
    "spin": spin,
    "hang": hang,
    "hoard": hoard,
    "loosen-limits": loosen,
    "fill-the-scratch": fill,
    "segmentation-fault": die(signal.SIGSEGV),
    "abort": die(signal.SIGABRT),
    "kill": die(signal.SIGKILL),
    "real-time-signal": die(signal.SIGRTMIN + 3),
    "exit-silently": lambda _: os._exit(0),
    "exit-with-3": lambda _: os._exit(3),
    "raise-system-exit": lambda _: sys.exit(0),
}


def lie(files: Files, item: Item, formats: Any, decoded: Any) -> Processed:
    told = LIES.get(item.source.key)
    if told is None:
        return honest(files, item, formats, decoded)
    return told(Path(files.outputs[0].path).parent)


if __name__ == "__main__":
    pipeline.process = lie
    sys.stderr.flush()
    os._exit(process.main())
