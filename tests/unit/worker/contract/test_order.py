"""The work order, checked with tests/data/orders and with the example in its documentation."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from imagejob_worker.contract import order
from support import worker_process
from support.paths import DATA, ROOT

ORDERS = DATA / "orders"


def decoded(name: str) -> order.Order:
    return order.decode(base64.b64encode((ORDERS / f"{name}.json").read_bytes()).decode())


def test_the_example_is_the_one_in_the_documentation() -> None:
    documented = (ROOT / "docs" / "work-order.md").read_text().split("```json\n")[1].split("```")[0]

    assert (ORDERS / "example.json").read_text() == documented
    assert decoded("example").items[0].outputs[0].fit == "cover"


def test_no_field_is_lost_or_renamed() -> None:
    raw = msgspec.json.decode((ORDERS / "full.json").read_bytes())

    # As JSON, which has no tuples; each store has one of two fields, without the other.
    assert raw == msgspec.json.decode(msgspec.json.encode(decoded("full")))


def test_what_is_left_out_has_its_default_and_what_is_unknown_is_ignored() -> None:
    read = decoded("defaults")

    assert (read.version, read.formats, read.parallelism) == (1, ("jpeg", "png", "webp"), 1)
    assert read.items[0].timeout_seconds == 120
    assert read.items[0].metadata.keep == ()
    assert read.items[0].outputs[0] == order.Output(name="o")


def changed(**changes: Any) -> str:
    wanted = worker_process.item("a", [{"name": "o"}])
    return worker_process.encoded(worker_process.order([wanted]) | changes)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("", "truncated", id="empty"),
        pytest.param("{}", "base64", id="not base64"),
        pytest.param(base64.b64encode(b"{").decode(), "truncated", id="not JSON"),
        pytest.param(base64.b64encode(b"\xff\xfe").decode(), "malformed", id="not UTF-8"),
        pytest.param(changed(version=2), "version", id="of a later version"),
        pytest.param(changed(items=[]), "items", id="no items"),
        pytest.param(changed(parallelism=0), "parallelism", id="no parallelism"),
        pytest.param(changed(stores={}), "box", id="a store that isn't there"),
        pytest.param(changed(formats=["psd"]), "formats", id="an unknown format"),
    ],
)
def test_an_order_that_cannot_be_read_says_where(text: str, named: str) -> None:
    with pytest.raises(order.OrderError, match=named):
        order.decode(text)
