"""The header Idempotency-Key, and the names that make two uploads the same."""

from __future__ import annotations

import re

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.uploads import names
from imagejob_gateway.uploads.idempotency import parse_key

UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, ""),
        (UUID, UUID),
        (f'"{UUID}"', UUID),
        ('"a\\"b\\\\c"', 'a"b\\c'),
        (f' "{UUID}" ', UUID),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_key_is_read_with_and_without_quotes(header: str | None, key: str) -> None:
    assert parse_key(header) == key


@pytest.mark.parametrize("header", ["", '""', '"', '"a', 'a"', "é", "a\x00", "x" * 256, '"a\\b"'])
def test_what_is_no_key_is_refused(header: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_key(header)

    assert caught.value.problem.reason is ProblemReason.INVALID_REQUEST
    assert caught.value.problem.header == "Idempotency-Key"


def test_the_same_is_the_same_only_for_the_same_owner_and_profile() -> None:
    made = [
        names.name_of_key("o", "k"),
        names.name_of_key("p", "k"),
        names.name_of_key("o", "l"),
        names.name_of_content("o", "web", "d"),
        names.name_of_content("o", "print", "d"),
        names.name_of_content("p", "web", "d"),
        names.name_of_content("o", "web", "e"),
    ]

    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"img-[0-9a-f]{24}", name) for name in made)
    assert made[0] == names.name_of_key("o", "k")
