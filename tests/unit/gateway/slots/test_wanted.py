"""What may be announced."""

from __future__ import annotations

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.slots.wanted import Wanted, check

ACCEPTED = ("jpeg", "webp")


@pytest.mark.parametrize("declared", ["image/jpeg", "image/jpg", "IMAGE/JPEG"])
def test_a_type_names_a_format(declared: str) -> None:
    assert check(Wanted(declared, 9), 9, ACCEPTED) == "jpeg"


REFUSED = {
    "nothing": (Wanted("image/jpeg", 0), ProblemReason.EMPTY_BODY, "length"),
    "too much": (Wanted("image/jpeg", 10), ProblemReason.TOO_LARGE, "length"),
    "another format": (Wanted("image/png", 9), ProblemReason.UNSUPPORTED_FORMAT, "contentType"),
    "no type": (Wanted("", 9), ProblemReason.UNSUPPORTED_FORMAT, "contentType"),
    "any bytes": (
        *(Wanted("application/octet-stream", 9), ProblemReason.UNSUPPORTED_FORMAT),
        "contentType",
    ),
    "a parameter": (
        *(Wanted("image/jpeg; a=b", 9), ProblemReason.UNSUPPORTED_FORMAT),
        "contentType",
    ),
}


@pytest.mark.parametrize(("wanted", "reason", "field"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(wanted: Wanted, reason: ProblemReason, field: str) -> None:
    with pytest.raises(ProblemError) as raised:
        check(wanted, 9, ACCEPTED)

    assert (raised.value.problem.reason, raised.value.problem.field) == (reason, field)
