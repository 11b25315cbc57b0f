"""A volume store on a real file system, as the worker opens it."""

from __future__ import annotations

import time
from pathlib import Path

from imagejob_worker.storage import Fetched
from imagejob_worker.storage.volume import VolumeStorage

LIMIT = 1000
SECRET = b"the platform's own"


class Volume:
    """A store's folder, an unreachable file beside it, and files to copy from and to."""

    def __init__(self, root: Path) -> None:
        self.folder, self.outside, self.here = root / "store", root / "outside", root / "here"
        self.folder.mkdir()
        self.outside.mkdir()
        (self.outside / "secret").write_bytes(SECRET)
        self.store = VolumeStorage("disk", str(self.folder))

    def fetch(self, key: str, seconds: float = 60) -> Fetched:
        with self.here.open("wb") as file:
            return self.store.fetch(key, file.fileno(), LIMIT, time.monotonic() + seconds)

    def put(self, key: str, data: bytes = b"a picture") -> None:
        self.here.write_bytes(data)
        with self.here.open("rb") as file:
            self.store.put(key, file.fileno(), "image/webp", "no-cache")

    def files(self) -> dict[str, bytes]:
        """All files in the store, hidden ones too."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def is_untouched_outside(self) -> bool:
        """Whether outside is only what was there."""
        return [path.read_bytes() for path in self.outside.iterdir()] == [SECRET]
