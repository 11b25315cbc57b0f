"""The worker as a process: its environment, its exit codes, SIGTERM."""

from __future__ import annotations

import os
import signal
from _thread import start_new_thread
from typing import TYPE_CHECKING, NoReturn

from imagejob_worker import log, runner
from imagejob_worker.contract import report
from imagejob_worker.contract.order import Order, OrderError, decode

if TYPE_CHECKING:
    from imagejob_worker.sandbox.pool import Pool

DONE, UNREADABLE = 0, 2
STOPS = {signal.SIGTERM: "stopped by SIGTERM", signal.SIGALRM: "stopped: its time is over"}
"""Signals that end the worker. The second is its own: it comes when no kubelet has ended it in
time, and nobody waits for it any more."""


def main() -> int:
    """Run the order in the environment; return the exit code, see docs/work-order.md."""
    # Blocked in every thread and process from here on, and awaited in one place: a handler would
    # run in the main thread only, and could interrupt the writing of a report.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    environment = dict(os.environ)
    os.environ.clear()  # OpenSSL and the resolver would take settings from it
    try:
        order, stores, scratch, path = _order_and_paths(environment)
    except OrderError as error:
        return _reject(environment.get("IMAGEJOB_REPORT"), str(error))
    with runner.start(order) as pool:
        for lacking in pool.wall.lacks:
            log.say(f"this node has no {lacking}: images are decoded with one protection less")
        # Opened only now, so that no forked process has it.
        file = report.ReportFile(path, len(order.items))
        file.begin()
        start_new_thread(_stop_on_signal, (file, pool))
        signal.setitimer(signal.ITIMER_REAL, runner.allowed(order))

        def record(index: int, entry: report.Entry) -> None:
            file.record(index, entry)
            log.write(order.items[index], entry)

        try:
            runner.finish(order, pool, stores, scratch, record, file.record)
        finally:
            file.seal()  # after a signal this blocks until the other thread ends the process
    return DONE


def _order_and_paths(environment: dict[str, str]) -> tuple[Order, str, str, str]:
    """Return the order, and the paths of stores, scratch and report. Raises OrderError."""
    try:
        text, *paths = (
            environment[f"IMAGEJOB_{name}"] for name in ("ORDER", "STORES", "SCRATCH", "REPORT")
        )
    except KeyError as error:
        raise OrderError(f"the environment variable {error.args[0]} is missing") from error
    order = decode(text)
    if (worst := report.worst_case(order)) > report.PAYLOAD_BYTES:
        raise OrderError(f"the order's report may take {worst} bytes; {report.PAYLOAD_BYTES} fit")
    stores, scratch, path = paths
    return order, stores, scratch, path


def _reject(path: str | None, message: str) -> int:
    log.say(message)
    if path:
        report.ReportFile(path, 0).explain(message)
    return UNREADABLE


def _stop_on_signal(file: report.ReportFile, pool: Pool) -> NoReturn:
    """Wait for a signal; then finish a report that is being written, end the children, and exit."""
    number = signal.Signals(signal.sigwait(STOPS))
    if number == signal.SIGTERM:
        file.seal()  # other threads can report nothing from here on
        pool.close()
    log.say(STOPS[number])
    os._exit(128 + number)
