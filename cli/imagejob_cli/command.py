"""Runs one command from its options to its exit code."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NoReturn

from .errors import CliError
from .given import Intake
from .local import Run
from .options import Options, parse
from .process import Workplace
from .progress import watcher
from .reading import read
from .show import show
from .words import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .local import Outcome

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
    texts = read(options.files)
    stopped = 0
    with (
        TemporaryDirectory(prefix="imagejob-") as folder,
        watcher(quiet=options.quiet) as watch,
    ):
        place = Workplace(Path(folder), options.stores, verbose=options.verbose)
        run = Run(options.stores, options.platform, place, watch)
        intake = Intake(texts, options.stores, options.namespace, watch.warn)
        try:
            run.carry_out(intake.tasks())
        except _Terminated:
            stopped = signal.SIGTERM
        except KeyboardInterrupt:
            stopped = signal.SIGINT
    return _concluded(options, intake, run.outcomes, stopped)


def _concluded(
    options: Options,
    intake: Intake,
    outcomes: list[Outcome],
    stopped: int,
) -> int:
    """Print what there is to say of those that have ended, and return the exit code.

    `stopped` is the number of the signal that ended the run; 0: none.
    """
    if outcomes and not options.quiet:
        for ignored in intake.ignored:
            _say(f"ignored: {ignored}")
    if outcomes or stopped:
        show(outcomes, options.output or ("table" if sys.stdout.isatty() else "yaml"))
        sys.stdout.flush()
    if stopped:
        word = "terminated" if stopped == signal.SIGTERM else "interrupted"
        _say(f"{word}; {len(outcomes)} had ended")
        return 128 + stopped
    if intake.faults:
        return WRONG
    return SUCCEEDED if all(each.status.phase == "Succeeded" for each in outcomes) else FAILED


class _Terminated(SystemExit):
    """SIGTERM asks to end."""


def _stop(number: int, _frame: object) -> NoReturn:
    """End as after Ctrl-C, with the same cleanup. After SIGHUP, nobody reads on."""
    raise (_Terminated if number == signal.SIGTERM else SystemExit)(128 + number)


def _say(line: str) -> None:
    """Print one line without control characters."""
    print(f"imagejob: {printable(line)}", file=sys.stderr)
