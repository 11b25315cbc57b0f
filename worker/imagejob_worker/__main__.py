"""`python -m imagejob_worker`: one order from the environment, done and reported.

What is here is about starting and ending fast; what the worker does is in `process`.
"""

from __future__ import annotations

import gc
import os
import sys

BROKEN = 1


def main() -> int:
    """Do the order; return the exit code of docs/work-order.md."""
    gc.disable()  # all that is imported now is there to stay: 3 ms to save
    _load_msgspec()
    from imagejob_worker import process

    return process.main()


def _load_msgspec() -> None:
    """Import msgspec as if typing_extensions weren't installed.

    msgspec asks for it first and is as happy without. It takes 7 ms of the 85 that a small
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
    except Exception:  # noqa: BLE001 (the last line of defence: told, and with a code of its own)
        sys.excepthook(*sys.exc_info())
        return BROKEN


if __name__ == "__main__":
    code = _guarded()
    sys.stderr.flush()
    os._exit(code)  # unloading what is loaded takes longer than some items do
