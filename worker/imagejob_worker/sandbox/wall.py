"""The wall around a child: what it can't do once it has put it up, whatever code runs in it.

Two protections, each of which holds without the other: Landlock refuses files, ports and signals,
and seccomp kills a process that makes a system call which decoding doesn't need. Both are prepared
once in the worker. A child opens its files and loads its libraries, puts the wall up, and only then
reads a byte of an image.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final, Literal

from imagejob_worker.contract.facts import Note
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.sandbox import kernel, landlock, syscall_filter, syscall_numbers

if TYPE_CHECKING:
    from imagejob_worker.contract.order import Sandbox

Protection = Literal["Landlock", "seccomp"]

_SET_NO_NEW_PRIVS: Final = 38
_SET_MODE_FILTER, _GET_ACTION_AVAIL = 1, 2
# Kernels before 5.16 make processes with a filter slow, against attacks by timing on their own
# memory, in which a child has nothing but its image.
_SPEC_ALLOW: Final = 4


class Wall:
    """What the kernel and the order make of it. `lacks` names what the kernel doesn't have."""

    def __init__(self, mode: Sandbox, without: tuple[Protection, ...] = ()) -> None:
        """Prepare it. `without`: do as if the kernel lacked these."""
        self._mode = mode
        self._ruleset: bytes | None = None
        self._program: syscall_filter.Program | None = None
        if mode == "off":
            self.lacks: tuple[Protection, ...] = ()
            return
        if "Landlock" not in without and (version := landlock.version()):
            self._ruleset = landlock.handled(version)
        self._machine = syscall_numbers.machine()
        if "seccomp" not in without and self._machine and _can_kill(self._machine):
            self._program = syscall_filter.Program(syscall_filter.assemble(self._machine))
        missing: dict[Protection, bool] = {
            "Landlock": self._ruleset is None,
            "seccomp": self._program is None,
        }
        self.lacks = tuple(name for name, is_missing in missing.items() if is_missing)

    @property
    def note(self) -> Note:
        """What the report says of outputs that were made behind an incomplete wall."""
        notes: dict[Protection, Note] = {
            "Landlock": Note.NO_LANDLOCK,
            "seccomp": Note.NO_SECCOMP,
        }
        return Note(sum(notes[name] for name in self.lacks))

    def check(self) -> None:
        """Raise ItemFailure if the wall has to be complete, and can't be."""
        if self._mode == "require" and self.lacks:
            words = f"this node has no {' and no '.join(self.lacks)}"
            raise ItemFailure("Internal", f"{words}, which worker.sandbox: require asks for")

    def confine(self) -> None:
        """Put it up around this process, for good. Raises ItemFailure, or OSError."""
        self.check()
        if self._ruleset is None and self._program is None:
            return
        kernel.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if self._ruleset is not None:
            landlock.restrict(self._ruleset)
        if self._program is not None and self._machine is not None:
            instructions = kernel.Buffer(self._program.of(os.getpid()))
            program = struct.pack("@HP", self._program.length, instructions.address)
            kernel.call(self._machine.calls["seccomp"], _SET_MODE_FILTER, _SPEC_ALLOW, program)


def _can_kill(machine: syscall_numbers.Machine) -> bool:
    """Whether the kernel takes a filter, and can kill a whole process by it."""
    try:
        kernel.call(
            machine.calls["seccomp"], _GET_ACTION_AVAIL, 0, struct.pack("=I", syscall_filter.KILL)
        )
    except OSError:
        return False
    return True
