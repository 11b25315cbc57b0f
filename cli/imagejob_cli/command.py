"""Runs one command from its options to its exit code."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NoReturn

from .errors import CliError
from .given import gather
from .local import run
from .options import Options, parse
from .process import Workplace
from .progress import watcher
from .reading import read
from .show import show

if TYPE_CHECKING:
    from collections.abc import Sequence

SUCCEEDED, FAILED, WRONG = 0, 1, 2


def command(arguments: Sequence[str] | None) -> int:
    """Return the exit code documented in `imagejob run --help`. The caller handles Ctrl-C."""
    try:
        options = parse(arguments)
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:  # unlike under nohup
                signal.signal(number, _stop)
        return _run(options)
    except CliError as error:
        for line in error.lines:
            _say(line)
        return WRONG
    except BrokenPipeError:  # as with `imagejob run … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        _say(str(error))
        return WRONG


def _run(options: Options) -> int:
    given = gather(read(options.files), options.stores, options.namespace)
    if not options.quiet:
        for ignored in given.ignored:
            _say(f"ignored: {ignored}")
    jobs = [task.job for task in given.tasks]
    with (
        TemporaryDirectory(prefix="imagejob-") as folder,
        watcher(jobs, quiet=options.quiet) as watch,
    ):
        place = Workplace(Path(folder), given.folders, verbose=options.verbose)
        outcomes = run(given, options.platform, place, watch)
    show(outcomes, options.output or ("table" if sys.stdout.isatty() else "yaml"))
    sys.stdout.flush()
    return SUCCEEDED if all(each.status.phase == "Succeeded" for each in outcomes) else FAILED


def _stop(number: int, _frame: object) -> NoReturn:
    """Exit as for Ctrl-C, with the same cleanup."""
    raise SystemExit(128 + number)


def _say(line: str) -> None:
    """Print one line without control characters."""
    printable = "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)
    print(f"imagejob: {printable}", file=sys.stderr)
