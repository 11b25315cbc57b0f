"""How kstatus, and Flux with CEL expressions, judge an object.

kstatus' rules for unknown kinds are those of `pkg/kstatus/status/generic.go` of
kubernetes-sigs/cli-utils; Flux', those of `runtime/cel/status_evaluator.go` of fluxcd/pkg.
tests/slow/product/test_gitops_for_real.py compares this with both.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import celpy

Body = dict[str, Any]


def compute(body: Body) -> str:
    """Terminating, InProgress, Failed or Current. An object without a status is Current."""
    if body["metadata"].get("deletionTimestamp"):
        return "Terminating"
    if _is_behind(body):
        return "InProgress"
    for condition in body.get("status", {}).get("conditions", []):
        if condition["status"] != "True":
            continue
        if condition["type"] in ("Reconciling", "Stalled"):
            return {"Reconciling": "InProgress", "Stalled": "Failed"}[condition["type"]]
    return "Current"


def evaluate(body: Body, check: dict[str, str]) -> str:
    """Evaluate an entry of `spec.healthCheckExprs`: the first true one decides, else InProgress.

    Raises celpy.CELEvalError for a missing field: Flux then waits until its timeout.
    """
    if _is_behind(body):
        return "InProgress"
    for field, status in (
        ("inProgress", "InProgress"),
        ("failed", "Failed"),
        ("current", "Current"),
    ):
        if field in check and _holds(check[field], body):
            return status
    return "InProgress"


def _is_behind(body: Body) -> bool:
    observed = body.get("status", {}).get("observedGeneration")
    return observed is not None and observed != body["metadata"]["generation"]


def _holds(expression: str, body: Body) -> bool:
    if "status" not in body:  # celpy treats it as empty, Flux' cel-go does not
        raise celpy.CELEvalError("no such attribute: status")
    answer = _program(expression).evaluate(celpy.json_to_cel(body))
    if isinstance(answer, Exception):
        raise answer
    return bool(answer)


@cache
def _program(expression: str) -> Any:
    environment = celpy.Environment()
    return environment.program(environment.compile(expression))
