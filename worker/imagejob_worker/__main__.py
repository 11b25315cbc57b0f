"""`python -m imagejob_worker`: run the order in the environment, and report it.

This module makes starting and ending fast; the worker itself is in `process`.
"""

from __future__ import annotations

import gc
import os
import sys

BROKEN = 1


def main() -> int:
    """Run the order; return the exit code, see docs/work-order.md."""
    gc.disable()  # all that is imported now stays until the end: this saves 3 ms
    _load_msgspec()
    from imagejob_worker import process

    return process.main()


def _load_msgspec() -> None:
    """Import msgspec as if typing_extensions weren't installed.

    msgspec imports it if it is there, and doesn't need it. It takes 7 ms of the 85 that a small
    order takes, and nothing else here uses it.
    """
    absent = "typing_extensions" not in sys.modules
    if absent:
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    import msgspec  # noqa: F401

    if absent:
        del sys.modules["typing_extensions"]


def _guarded() -> int:
    try:
        return main()
    except Exception:  # noqa: BLE001 (the last handler: print the error, exit with a code of its own)
        sys.excepthook(*sys.exc_info())
        return BROKEN


if __name__ == "__main__":
    code = _guarded()
    sys.stderr.flush()
    os._exit(code)  # a normal exit takes longer than some items
