"""imagejob-operator on this machine, from kubectl apply to safe images in object storage.

Paints 8 photos and makes 4 bad uploads, starts a real cluster and S3 server, applies 12 ImageJobs,
shows their progress and checks what came of them. Exit code 0 if everything is as it must be: then
the cluster stays up to look around, until `down`. Otherwise, and on Ctrl-C, everything is stopped.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagejob_dev import state
from imagejob_dev.errors import DevError
from rich.console import Console

from imagejob_demo import stage
from imagejob_demo.play import REPOSITORY, play

WIDTH_IN_FILES = 140
"""Where there is no terminal to ask: wide enough that no row of the tables is broken."""


def main() -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m imagejob_demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", choices=("up", "down"), default="up")
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "demo", help="the demo's folder")
    options = parser.parse_args()
    paths = stage.Paths(options.dir.resolve())
    os.chdir(REPOSITORY)  # for the commands that are shown and run are the same
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    console = Console(width=None if sys.stdout.isatty() else WIDTH_IN_FILES)
    try:
        with _alone(paths):
            return _down(paths, console) if options.command == "down" else play(paths, console)
    except DevError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130


@contextmanager
def _alone(paths: stage.Paths) -> Iterator[None]:
    """DevError if another process plays or stops the same demo at this moment."""
    paths.prepare()
    with state.supervised(paths.root) as nobody_else:
        if not nobody_else:
            raise DevError(f"Another demo is under way in {paths.root}; end it with Ctrl-C there.")
        yield


def _down(paths: stage.Paths, console: Console) -> int:
    found = stage.strike(paths)
    console.print("The demo is stopped." if found else "No demo is running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
