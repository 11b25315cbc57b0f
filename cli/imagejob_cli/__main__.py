"""`imagejob`: manifests in, images and statuses out."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the process's exit code."""
    try:
        # Imported here, as loading takes long enough for a Ctrl-C.
        from .command import command

        return command(arguments)
    except KeyboardInterrupt:
        print("imagejob: interrupted", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
