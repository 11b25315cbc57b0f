"""Stands in for mounts: with no mount namespace, a pod's path must become one of this machine.

A text that *is* a mount's path, or a path under it, is rewritten to where the volume really is; so
is the path of the termination message. That reaches env values, command and args. It can't reach a
path inside a longer text (`sh -c "cat /creds/key"`) or inside a program: such a pod takes its paths
from its environment, which is good manners anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Mounts:
    """Path in the pod → path on this machine."""

    places: Mapping[str, Path]

    def rewrite(self, text: str) -> str:
        """`text` with the longest mount that it lies under replaced; most texts come back as is."""
        for inside in sorted(self.places, key=len, reverse=True):
            stem = inside.rstrip("/")
            if text in (stem, inside) or text.startswith(stem + "/"):
                return str(self.places[inside]) + text[len(stem) :].rstrip("/")
        return text
