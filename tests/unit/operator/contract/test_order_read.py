"""The order in a pod is text that a tenant may have written: it is read, or it is none."""

from __future__ import annotations

import base64

import pytest
from imagejob_operator.contract.carried import carried_by
from imagejob_operator.contract.order import OrderError, decode

DEEP = 3000
TEXTS = {
    "no base64": "%%%",
    "not ASCII": "ordre à faire",
    "no JSON": base64.b64encode(b"\xff\xfe").decode(),
    "another shape": base64.b64encode(b'{"items": 7}').decode(),
    "too deep": base64.b64encode(b'{"newer": ' + b"[" * DEEP + b"]" * DEEP + b"}").decode(),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_no_order_is_none(text: str) -> None:
    assert carried_by(text, "team-a") == ()
    with pytest.raises(OrderError):
        decode(text)
