"""An item's folder in the scratch space: its source, and its outputs until they are stored.

The worker opens the folder before the item's child starts, and keeps it open: what the child does
to names (a symbolic link in the place of a file or of the folder) can't lead the worker elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from imagejob_worker.contract.failures import ItemFailure

if TYPE_CHECKING:
    from types import TracebackType

SOURCE: Final = "source"
OUTPUTS: Final = "outputs"

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 256 * 1024


class OutputFile(NamedTuple):
    """An output that the worker has checked, open for reading."""

    file: int
    size: int
    sha256: bytes


class Folder:
    """One item's folder; removed, with all in it, when the item ends."""

    def __init__(self, scratch: str, name: str) -> None:
        self.path = f"{scratch}/{name}"
        self._scratch = scratch
        self._name = name
        self._files: list[int] = []

    def __enter__(self) -> Self:
        """Make the folder. Raises OSError."""
        self._root = os.open(self._scratch, _FOLDER)
        os.mkdir(self._name, 0o700, dir_fd=self._root)
        self._folder = os.open(self._name, _FOLDER, dir_fd=self._root)
        os.mkdir(OUTPUTS, 0o700, dir_fd=self._folder)
        self._outputs = os.open(OUTPUTS, _FOLDER, dir_fd=self._folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the folder, whatever the child has done to it."""
        for file in (*self._files, self._outputs, self._folder):
            os.close(file)
        _remove(self._name, self._root)
        os.close(self._root)

    def new_source(self) -> int:
        """Create the file that the source is written to."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._source = self._kept(os.open(SOURCE, flags, 0o600, dir_fd=self._folder))
        return self._source

    def head(self, size: int) -> bytes:
        """Return the first bytes of the source, once it has been written."""
        return os.pread(self._source, size, 0)

    def output(self, name: str) -> OutputFile:
        """Open an output that the child made; measure its length and digest. Raises ItemFailure."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = self._kept(os.open(name, flags, dir_fd=self._outputs))
        except OSError as error:
            raise ItemFailure("Internal", f"the output file {name} is missing: {error}") from error
        status = os.fstat(file)
        # A second name could be that of a file elsewhere, such as a credential.
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise ItemFailure("Internal", f"the output {name} is not a regular file of its own")
        return OutputFile(file, status.st_size, _digest(file))

    def _kept(self, file: int) -> int:
        self._files.append(file)
        return file


def _digest(file: int) -> bytes:
    digest, offset = hashlib.sha256(), 0
    while chunk := os.pread(file, _CHUNK, offset):
        digest.update(chunk)
        offset += len(chunk)
    return digest.digest()


def _remove(name: str, parent: int) -> None:
    """Remove a tree without following a link out of it."""
    try:
        os.unlink(name, dir_fd=parent)
    except IsADirectoryError:
        os.chmod(name, 0o700, dir_fd=parent)  # the child may have locked it
        folder = os.open(name, _FOLDER, dir_fd=parent)
        try:
            for inner in os.listdir(folder):
                _remove(inner, folder)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=parent)
