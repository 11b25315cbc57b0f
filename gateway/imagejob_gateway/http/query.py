"""The query as a whole: FastAPI looks only for what it knows, and takes the last of two."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from imagejob_gateway.problem import ProblemError, ProblemReason

if TYPE_CHECKING:
    from fastapi import Request

    from .paths import Paths

LONGEST_SHOWN = 64


def check_query(request: Request) -> None:
    """Raise ProblemError for a parameter that the document doesn't list, or that is given twice.

    A misspelt filter would list everything, and of two values each program takes another.
    """
    paths: Paths = request.app.state.paths
    known = paths.parameters(request.scope["route"].path, request.method)
    given = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in given.items():
        if name not in known:
            raise _invalid(name, "There is no such parameter.")
        if count > 1 and not known[name].may_repeat:
            raise _invalid(name, "It is given more than once.")


def _invalid(name: str, why: str) -> ProblemError:
    shown = name[:LONGEST_SHOWN]
    return ProblemError(ProblemReason.INVALID_PARAMETER, f"{shown}: {why}", field=shown)
