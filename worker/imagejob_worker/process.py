"""The worker as a process: what it finds in its environment, how it ends, what stops it."""

from __future__ import annotations

import os
import signal
from _thread import start_new_thread
from typing import TYPE_CHECKING, NoReturn

from imagejob_worker import log, runner
from imagejob_worker.contract import report
from imagejob_worker.contract.order import Order, OrderError, decode

if TYPE_CHECKING:
    from imagejob_worker.sandbox.pool import Lanes

DONE, UNREADABLE, STOPPED = 0, 2, 128 + signal.SIGTERM


def main() -> int:
    """Do the order that the environment holds; return the exit code of docs/work-order.md."""
    # Blocked in every thread and process from here on, and waited for in one place: a handler
    # would run only in the main thread, and might strike in the middle of a report.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    environment = dict(os.environ)
    os.environ.clear()  # OpenSSL and the resolver would take settings from it
    try:
        order, stores, scratch, path = _asked_for(environment)
    except OrderError as error:
        return _refuse(environment.get("IMAGEJOB_REPORT"), str(error))
    with runner.start(order) as lanes:
        # Opened only now, so that no lane has it.
        file = report.ReportFile(path, len(order.items))
        file.begin()
        start_new_thread(_stop_when_told, (file, lanes))

        def tell(index: int, entry: report.Entry) -> None:
            file.record(index, entry)
            log.write(order.items[index], entry)

        try:
            runner.finish(order, lanes, stores, scratch, tell, file.record)
        finally:
            file.seal()  # waits for ever if told to stop meanwhile: the other thread ends it all
    return DONE


def _asked_for(environment: dict[str, str]) -> tuple[Order, str, str, str]:
    """Return the order, and the paths of stores, scratch and report. Raises OrderError."""
    try:
        text, *paths = (
            environment[f"IMAGEJOB_{name}"] for name in ("ORDER", "STORES", "SCRATCH", "REPORT")
        )
    except KeyError as error:
        raise OrderError(f"the environment lacks {error.args[0]}") from error
    order = decode(text)
    if (worst := report.worst_case(order)) > report.PAYLOAD_BYTES:
        raise OrderError(f"the order's report may take {worst} bytes; {report.PAYLOAD_BYTES} fit")
    stores, scratch, path = paths
    return order, stores, scratch, path


def _refuse(path: str | None, message: str) -> int:
    log.say(message)
    if path:
        report.ReportFile(path, 0).explain(message)
    return UNREADABLE


def _stop_when_told(file: report.ReportFile, lanes: Lanes) -> NoReturn:
    """Wait for SIGTERM; then let a report under way be finished, end the children, and exit."""
    signal.sigwait({signal.SIGTERM})
    file.seal()  # for good: what other threads find out from here on is nobody's concern
    lanes.close()
    log.say("stopped on request")
    os._exit(STOPPED)
