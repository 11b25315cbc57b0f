"""JSON is split as it is decoded, and also where it nests too deeply to be decoded."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagejob_operator.kube import shallow
from support.memory_api import DEEP, dump

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
layouts = st.sampled_from([{"indent": None}, {"indent": 1}, {"separators": (",", ":")}])


@given(st.dictionaries(st.text(), values), layouts)
def test_members_are_those_of_the_object(
    body: dict[str, object], layout: dict[str, object]
) -> None:
    text = json.dumps(body, **layout).encode()  # type: ignore[arg-type]

    assert {key: json.loads(part) for key, part in shallow.members(text).items()} == body
    assert shallow.elements(text) == []


@given(st.lists(values), layouts)
def test_elements_are_those_of_the_array(items: list[object], layout: dict[str, object]) -> None:
    text = json.dumps(items, **layout).encode()  # type: ignore[arg-type]

    assert [json.loads(part) for part in shallow.elements(text)] == items
    assert shallow.members(text) == {}


def test_depth_does_not_matter() -> None:
    parts = shallow.members(dump({"a": DEEP, "b": [1, DEEP]}))

    assert parts.keys() == {"a", "b"}
    assert len(shallow.elements(parts["b"])) == 2


@pytest.mark.parametrize("text", [b"", b"null", b'"{}"', b"7", b"<html>", b'{"a"', b"{1: 2}", b"]"])
def test_other_text_has_no_members(text: bytes) -> None:
    assert shallow.members(text) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b'"a\\nb"', "a\nb"),
        (b"7", ""),
        (b"null", ""),
        (None, ""),
        (b'"\\ud800"', ""),
        (b'"\xff"', ""),
    ],
)
def test_only_a_string_has_text(value: bytes | None, text: str) -> None:
    assert shallow.text_of(value) == text
