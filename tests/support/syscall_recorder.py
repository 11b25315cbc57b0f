"""A worker that records the system calls of its children: what the wall's list is made from.

Run as a program, with a worker's environment and a file to write to: a JSON array for each call,
its number, its arguments and its path. In the place of the wall, a child puts up a seccomp filter
that reports each call (seccomp(2), SECCOMP_RET_USER_NOTIF); a thread of the worker notes it,
refuses what the wall refuses with an error, and lets all else go on. Refused, because what a child
does with a file that it could open behind no wall, such as to map a library, is nothing that it
needs. Nothing has to be installed for it, and it needs no privileges.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from imagejob_worker import process, runner
from imagejob_worker.contract.facts import Note
from imagejob_worker.sandbox import kernel, syscall_filter, syscall_numbers
from imagejob_worker.sandbox.syscall_filter import (
    CHECKED,
    OWN_PROCESS,
    REFUSED,
    UNLESS,
    Instruction,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_worker.contract.facts import Processed
    from imagejob_worker.contract.order import Order
    from imagejob_worker.sandbox.fork_server import Process, Work
    from imagejob_worker.sandbox.ipc import Request

USER_NOTIF = 0x7FC0_0000
SET_MODE_FILTER, NEW_LISTENER = 1, 8
NOTIF_RECV, NOTIF_SEND, CONTINUE = 0xC050_2100, 0xC018_2101, 1
SET_NO_NEW_PRIVS = 38
PIDFD_GETFD = 438  # on both architectures
NOTIFICATION = struct.Struct("=QIIiIQ6Q")
SECONDS = 20.0
ANNOUNCEMENT = struct.Struct("=II")


class Call(NamedTuple):
    """One system call, with the words that its arguments are in; OWN_PROCESS for its caller."""

    number: int
    arguments: tuple[int, ...]
    path: str = ""  # that it names, relative to a folder


class Recorder:
    """Has the interface of a Wall. `calls` has each call once."""

    lacks = ()
    note = Note(0)

    def __init__(self, folder: Path) -> None:
        here = syscall_numbers.machine()
        assert here
        self._seccomp = here.calls["seccomp"]
        self._with_paths = {here.calls[name] for name in ("openat", "newfstatat")}
        self._names = {number: name for name, number in here.calls.items()}
        self._path = str(folder / "recorder")
        self.calls: set[Call] = set()
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.bind(self._path)
        self._server.listen()
        self._threads: list[Thread] = []

    def check(self) -> None:
        """A recorder is never incomplete."""

    def confine(self) -> None:
        """In the child: announce which descriptor its filter will be, and load it."""
        kernel.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        instruction = Instruction(6, USER_NOTIF)
        program = syscall_filter.Program([instruction]).of(os.getpid())
        buffer = kernel.Buffer(program)
        argument = struct.pack("@HP", 1, buffer.address)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(self._path)
            free = os.dup(0)
            os.close(free)
            client.send(ANNOUNCEMENT.pack(os.getpid(), free))
            kernel.call(self._seccomp, SET_MODE_FILTER, NEW_LISTENER, argument)

    def start(self) -> None:
        """Begin to record; call it when the pool has been forked."""
        Thread(target=self._accept, daemon=True).start()

    def join(self) -> None:
        """Wait until everything that ended children did is recorded."""
        for thread in self._threads:
            thread.join()
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:  # closed
                return
            with connection:
                pid, number = ANNOUNCEMENT.unpack(connection.recv(ANNOUNCEMENT.size))
            thread = Thread(target=self._record, args=(pid, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _record(self, pid: int, number: int) -> None:
        process = os.pidfd_open(pid)
        listener = _take(process, number)
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while True:
            ((_, events),) = poll.poll()
            if not events & select.POLLIN:
                break  # no process has the filter any more
            notification = bytearray(NOTIFICATION.size)
            try:
                fcntl.ioctl(listener, NOTIF_RECV, notification)
                identity, _, _, called, _, _, *arguments = NOTIFICATION.unpack(notification)
                name = self._names.get(called, "")
                path = _text(pid, arguments[1]) if called in self._with_paths else ""
                self.calls.add(Call(called, told(name, arguments, pid), path))
                code = refusal(name, arguments)
                answer = (identity, 0, -code, 0 if code else CONTINUE)
                fcntl.ioctl(listener, NOTIF_SEND, struct.pack("=QqiI", *answer))
            except FileNotFoundError:
                continue  # killed meanwhile
        os.close(listener)
        os.close(process)


def told(name: str, arguments: list[int], pid: int) -> tuple[int, ...]:
    """Return the arguments, with OWN_PROCESS where that is the process's number and nothing else.

    Another argument may be the same by chance, such as a command of fcntl().
    """
    named = {each.at for each in CHECKED.get(name, ()) if OWN_PROCESS in each.values}
    return tuple(
        OWN_PROCESS if at in named and word == pid else word for at, word in enumerate(arguments)
    )


def refusal(name: str, arguments: list[int]) -> int:
    """Return the error that the wall answers a call with; 0 if it doesn't."""
    unless = UNLESS.get(name, ())
    if unless and all(arguments[each.at] & 0xFFFF_FFFF in each.values for each in unless):
        return 0
    return REFUSED.get(name, 0)


def _text(pid: int, address: int) -> str:
    """Read a text from the memory of a child that waits for its call."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(4096).split(b"\0")[0].decode(errors="replace")


def _take(process: int, number: int) -> int:
    """Take the descriptor from the process, once it has it."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            return kernel.call(PIDFD_GETFD, process, number, 0)
        except OSError as error:
            if error.errno != errno.EBADF:  # it is still to come
                raise
    raise TimeoutError("a child has loaded no filter")


def _traceback() -> NoReturn:
    raise RuntimeError("a fault, whose traceback is printed")


FAULTS: dict[str, Callable[[], NoReturn]] = {"abort": os.abort, "traceback": _traceback}
"""What items of these names do after they have been processed."""


def _with_faults(order: Order) -> Work:
    work = pipeline(order)

    def planted(request: Request) -> Process:
        process = work(request)
        fault = FAULTS.get(order.items[request.index].source.key)

        def processed(on_decoded: Callable[[], None]) -> Processed:
            result = process(on_decoded)
            if fault:
                fault()
            return result

        return processed

    return planted


pipeline = runner._pipeline


def main() -> int:
    """Run the worker, and write down what its children called."""
    recorder = Recorder(Path(tempfile.mkdtemp()))
    finish = runner.finish

    def recorded(*arguments: Any) -> None:
        recorder.start()
        finish(*arguments)
        recorder.join()
        lines = [json.dumps(call) for call in sorted(recorder.calls)]
        Path(sys.argv[1]).write_text("\n".join(lines))

    runner.Wall = lambda _: recorder  # type: ignore[assignment,misc,return-value]
    runner._pipeline = _with_faults
    runner.finish = recorded
    return process.main()


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
