"""Every comparison with the time is known here, with what makes the operator look again.

A decision that time changes needs a timer; without one it waits until somebody touches something.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import imagejob_operator

ROOT = Path(imagejob_operator.__file__).parent
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)

DECIDED = "imagejob/test_until.py: decide() gives the time"
ON_TIME = "controllers/test_on_time.py: the reconciler sets a timer"
USED = "quota/test_status_on_time.py: the reconciler sets a timer for next_change()"
ADMITTED = "scheduling/test_admission_on_time.py: the planner sets a timer for next_look()"
POLLED = "the planner looks each 2 s (HELD) while an ImageJob waits for a worker"
LOOP = "a loop of its own, which sleeps and looks again"
PACE = "how soon a write begins: the queue wakes the manager by then (WorkQueue.wait), or at TICK"
FIGURE = "for records, metrics and logs; nothing waits for it"

KNOWN = {
    "kube.reflector._watch": LOOP,
    "controllers.cache_full._fill": LOOP,
    "controllers.cache_full._tell": LOOP,
    "controllers.job_writer.create": "a plan that is too old is made again at once",
    "controllers.quota_status.consider": USED,
    "controllers.reconciler._for_stray": ON_TIME,
    "controllers.reconciler._for_worker": ON_TIME,
    "controllers.reconciler._give_up_silent": ON_TIME,
    "controllers.snapshot._overdue": FIGURE,
    "controllers.wait_estimator.update": ADMITTED,
    "imagejob.audit_merging.after_telling": "when lines are written; Run.due() gives the next time",
    "imagejob.decide.decide": DECIDED,
    "imagejob.evaluate.evaluate": DECIDED,
    "imagejob.expiry.has_expired": LOOP,
    "imagejob.worker_checks.is_starting": POLLED,
    "kube.concurrency_limiter.limit": PACE,
    "kube.concurrency_limiter.took": PACE,
    "kube.credentials._is_due": "looked at before each request",
    "kube.lease.is_free": LOOP,
    "observability.logging.filter": FIGURE,
    "observability.trouble.worked": FIGURE,
    "quota.history.compacted": "drops what no window counts",
    "quota.rates.budget": "time of a forecast",
    "quota.rates.forecast": "time of a forecast",
    "scheduling.fair_share.observed": POLLED,
    "scheduling.namespace_state.is_idle": "a clock that has caught up leaves nothing to be written",
    "scheduling.wait_estimates.stale_jobs": DECIDED,
    "workqueue.batch_window.held": PACE,
    "workqueue.backoff.failed": "the caller enqueues the key for the time that it returns",
    "workqueue.queue._note_work": PACE,
    "workqueue.queue.is_behind": PACE,
    "workqueue.status_throttle.is_neglected": PACE,
}
"""Function → what makes the operator look again."""


def test_every_comparison_with_the_time_has_what_makes_the_operator_look_again() -> None:
    assert sorted(set(comparing())) == sorted(KNOWN)


def comparing() -> Iterator[str]:
    """The functions that compare something with the time."""
    for file in sorted(ROOT.rglob("*.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                _is_of_time(each) for each in ast.walk(node)
            ):
                yield f"{module}.{node.name}"


def _is_of_time(node: ast.AST) -> bool:
    """Whether it compares `now`, or what a clock says, with another time."""
    ordered = isinstance(node, ast.Compare) and any(isinstance(each, ORDER) for each in node.ops)
    return ordered and any(
        (isinstance(each, ast.Name) and each.id == "now")
        or (isinstance(each, ast.Attribute) and each.attr in ("_clock", "monotonic", "clock"))
        for each in ast.walk(node)
    )
