"""Stands in for mounts: with no mount namespace, a pod's path must become one of this machine.

A text that *is* a mount's path, or a path under it, is rewritten to where the volume really is; so
is the path of the termination message. One *above* mounts becomes a folder with links to them. That
reaches env values, command and args. It can't reach a path inside a longer text
(`sh -c "cat /creds/key"`) or inside a program: such a pod takes its paths from its environment,
which is good manners anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Mounts:
    """`places`: path in the pod → path on this machine. `root` stands for the pod's `/`."""

    places: Mapping[PurePosixPath, Path]
    root: Path

    def rewrite(self, text: str) -> str:
        """`text` as a path of this machine if it has to do with a mount; most come back as is."""
        path = PurePosixPath(text)
        if not path.is_absolute() or path == PurePosixPath("/"):
            return text
        for mount in (path, *path.parents):  # the innermost mount that it lies under
            if mount in self.places:
                return str(self.places[mount] / path.relative_to(mount))
        if any(mount.is_relative_to(path) for mount in self.places):
            return str(self.root / path.relative_to("/"))
        return text


def lay(root: Path, places: Mapping[str, Path]) -> Mounts:
    """Link every path of `places` under `root`, the outer before the inner."""
    for inside, place in sorted(places.items()):
        link = root / inside.strip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(place)
    return Mounts({PurePosixPath(inside): place for inside, place in places.items()}, root)
