"""The files of one item, all opened before a byte of its source is read: later none can be.

Each output has a file, and one more if it has `maxBytes`, so that one encode can be compared with
the best before it.
"""

from __future__ import annotations

import io
import os
import resource
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.contract.order import Output

_NEW = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_MODE = 0o600


class OutputFile:
    """A file to encode into."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor = os.open(path, _NEW, _MODE)

    def rewritten(self, extension: str) -> BinaryIO:
        """Return the file, empty; its name has this extension. Closing it leaves it open."""
        self.empty()
        return self._file(extension)

    def reopened(self) -> BinaryIO:
        """Return the file as it is. Closing it leaves it open."""
        return self._file()

    def empty(self) -> None:
        """Remove all contents."""
        os.ftruncate(self._descriptor, 0)

    def _file(self, extension: str = "") -> BinaryIO:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        raw = io.FileIO(self._descriptor, "r+", closefd=False)
        raw.name = f"{self.path}.{extension}"  # Pillow chooses the encoder by it
        return io.BufferedRandom(raw)

    @property
    def size(self) -> int:
        """The length in bytes."""
        return os.fstat(self._descriptor).st_size

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)


class Files:
    """The source, the outputs, and what the kernel says about this process's memory.

    `length` is the source's, in bytes.
    """

    def __init__(self, source: str, folder: str, outputs: Sequence[Output]) -> None:
        """Open the file `source`, and create those of the outputs in `folder`. Raises OSError."""
        self._source = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        self.length = os.fstat(self._source).st_size
        self._memory = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        self.outputs = [OutputFile(f"{folder}/{index}") for index in range(len(outputs))]
        self.spares = {
            index: OutputFile(f"{folder}/{index}-spare")
            for index, output in enumerate(outputs)
            if output.max_bytes is not None
        }

    def source(self) -> BinaryIO:
        """Return the source, at its start, for one reader at a time."""
        os.lseek(self._source, 0, os.SEEK_SET)
        return open(self._source, "rb", closefd=False)

    def free_address_space(self) -> int | None:
        """Return the bytes of address space that this process may still take; None: no limit."""
        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        if most == resource.RLIM_INFINITY:
            return None
        pages = int(os.pread(self._memory, 100, 0).split()[0])
        return max(0, most - pages * resource.getpagesize())

    def close(self) -> None:
        """Close all descriptors."""
        for file in (*self.outputs, *self.spares.values()):
            file.close()
        os.close(self._memory)
        os.close(self._source)
