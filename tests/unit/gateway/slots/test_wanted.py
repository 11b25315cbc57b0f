"""What may be announced."""

from __future__ import annotations

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.slots.wanted import check
from imagejob_gateway.storage.direct import Announced

ACCEPTED = ("jpeg", "webp")


@pytest.mark.parametrize("declared", ["image/jpeg", "image/jpg", "IMAGE/JPEG"])
def test_a_type_names_a_format(declared: str) -> None:
    assert check(Announced(declared, 9), 9, ACCEPTED) == "jpeg"


REFUSED = {
    "nothing": (Announced("image/jpeg", 0), ProblemReason.EMPTY_BODY, "length"),
    "too much": (Announced("image/jpeg", 10), ProblemReason.TOO_LARGE, "length"),
    "another format": (Announced("image/png", 9), ProblemReason.UNSUPPORTED_FORMAT, "contentType"),
    "no type": (Announced("", 9), ProblemReason.UNSUPPORTED_FORMAT, "contentType"),
    "any bytes": (
        *(Announced("application/octet-stream", 9), ProblemReason.UNSUPPORTED_FORMAT),
        "contentType",
    ),
    "a parameter": (
        *(Announced("image/jpeg; a=b", 9), ProblemReason.UNSUPPORTED_FORMAT),
        "contentType",
    ),
}


@pytest.mark.parametrize(("announced", "reason", "field"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(announced: Announced, reason: ProblemReason, field: str) -> None:
    with pytest.raises(ProblemError) as raised:
        check(announced, 9, ACCEPTED)

    assert (raised.value.problem.reason, raised.value.problem.field) == (reason, field)
