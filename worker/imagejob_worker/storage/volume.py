"""A mounted volume as a store: its files have names instead of keys, and no headers."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

from imagejob_worker.contract.failures import ItemFailure, Reason
from imagejob_worker.storage import Fetched, check_size, check_time, file_types, keys, write_scratch
from imagejob_worker.storage.transfer import TooSlowError, TransferRate

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

_CHUNK = 256 * 1024

# Only real folders are walked through: a symbolic link, which a tenant can create on a volume,
# could lead out of it. (openat2 does no more: docs/decisions/0036.)
_STEP: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# When reading, the first group means that there is no such object.
_ABSENT: Final = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "a part of the key is a file",
    errno.EISDIR: "it is a folder",
    errno.ENAMETOOLONG: "a part of the key is longer than a file name may be",
}
_DENIED: Final = {
    errno.ELOOP: "the key leads through a symbolic link",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the volume is read-only",
}


class VolumeStorage:
    """The folder at `folder`; keys are paths under it."""

    def __init__(self, name: str, folder: str) -> None:
        """Open the folder. Raises ItemFailure."""
        self._name = name
        try:
            # The mount itself may be a link: the platform makes it, not the tenant.
            self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ItemFailure(
                "StorageUnavailable", f"the volume of store {name} isn't there: {error.strerror}"
            ) from error

    def close(self) -> None:
        """See Storage."""
        os.close(self._root)

    def fetch(
        self, key: str, to: int, max_bytes: int, deadline: float, min_rate: int | None = None
    ) -> Fetched:
        """See Storage."""
        with self._faults(key, "read"), self._parent(key, make=False) as (folder, leaf):
            if there := file_types.status(leaf, folder):
                file_types.check(there.st_mode)
            # It may have been replaced since: without O_NONBLOCK, opening a named pipe would wait
            # for its other end.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with _closing(os.open(leaf, flags, dir_fd=folder)) as file:
                status = os.fstat(file)
                file_types.check(status.st_mode)
                check_size(status.st_size, max_bytes)
                return _copied(
                    file, to, max_bytes, deadline, TransferRate(min_rate, time.monotonic())
                )

    def put(
        self,
        key: str,
        body: int,
        content_type: str,  # noqa: ARG002 (a folder keeps no headers)
        cache_control: str | None,  # noqa: ARG002
        min_rate: int | None = None,  # noqa: ARG002 (nothing can stop a write that has begun)
    ) -> None:
        """See Storage. Writes a temporary file and renames it, both made durable."""
        with self._faults(key, "write"), self._parent(key, make=True) as (folder, leaf):
            if there := file_types.status(leaf, folder):
                file_types.check(there.st_mode)
            part = f".imagejob-{os.urandom(8).hex()}.part"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                with _closing(os.open(part, flags, 0o644, dir_fd=folder)) as file:
                    _send(body, file)
                    os.fsync(file)
                os.rename(part, leaf, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                _remove(part, folder)
                raise
            os.fsync(folder)

    def identity(self, key: str) -> Hashable | None:
        """See Storage: a file's inode, the same under any claim and key."""
        try:
            with self._parent(key, make=False) as (folder, leaf):
                there = file_types.status(leaf, folder)
        except OSError:
            return None  # reading or writing it reports the error
        return there and (there.st_dev, there.st_ino)

    @contextmanager
    def _parent(self, key: str, *, make: bool) -> Iterator[tuple[int, str]]:
        """Walk to the folder that holds `key`, one real folder at a time."""
        *parts, leaf = key.split("/")
        folder = os.dup(self._root)
        try:
            for part in parts:
                if make:
                    _make(part, folder)
                deeper = _step(part, folder)
                os.close(folder)
                folder = deeper
            yield folder, leaf
        finally:
            os.close(folder)

    @contextmanager
    def _faults(self, key: str, doing: Literal["read", "write"]) -> Iterator[None]:
        """Check the key; raise the file system's errors as ItemFailure."""
        keys.check(key, doing)
        try:
            yield
        except file_types.NotAFileError as error:
            reason: Reason = "SourceNotFound" if doing == "read" else "AccessDenied"
            words = f"store {self._name} can't {doing} {key}: {error}"
            raise ItemFailure(reason, words) from error
        except TooSlowError as error:
            words = f"store {self._name} can't {doing} {key}: {error}"
            raise ItemFailure("StorageUnavailable", words) from error
        except OSError as error:
            reason, words = _meaning(error.errno or 0, doing)
            raise ItemFailure(reason, f"store {self._name} can't {doing} {key}: {words}") from error


def _meaning(number: int, doing: str) -> tuple[Reason, str]:
    if number in _ABSENT:
        return ("SourceNotFound" if doing == "read" else "AccessDenied"), _ABSENT[number]
    if number in _DENIED:
        return "AccessDenied", _DENIED[number]
    return "StorageUnavailable", os.strerror(number)


def _copied(file: int, to: int, max_bytes: int, deadline: float, rate: TransferRate) -> Fetched:
    size, digest = 0, hashlib.sha256()
    while chunk := os.read(file, _CHUNK):
        size += len(chunk)
        check_size(size, max_bytes)
        check_time(deadline)
        rate.moved(len(chunk), now := time.monotonic())
        if slow := rate.fault(now):
            raise TooSlowError(slow)
        digest.update(chunk)
        write_scratch(to, chunk)
    return Fetched(size, digest.digest())


def _send(body: int, to: int) -> None:
    offset = 0
    while sent := os.sendfile(to, body, offset, 1 << 30):
        offset += sent


def _step(part: str, folder: int) -> int:
    try:
        return os.open(part, _STEP, dir_fd=folder)
    except NotADirectoryError as error:
        # Linux reports a symbolic link so, too.
        mode = os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            raise OSError(errno.ELOOP, "a symbolic link") from error
        if name := file_types.kind(mode):
            raise file_types.NotAFileError(f"a part of the key is {name}") from error
        raise


def _make(part: str, folder: int) -> None:
    try:
        os.mkdir(part, 0o755, dir_fd=folder)
    except FileExistsError:
        return
    os.fsync(folder)


def _remove(part: str, folder: int) -> None:
    try:
        os.unlink(part, dir_fd=folder)
    except OSError:
        return  # the volume is failing already; the first error is the one to report


@contextmanager
def _closing(file: int) -> Iterator[int]:
    try:
        yield file
    finally:
        os.close(file)
