"""Whom a request comes from, and what it may do."""

from __future__ import annotations

import pytest
from imagejob_gateway.auth.caller import LONGEST_SUBJECT, Caller, Scope, is_subject


def test_owners_are_told_apart() -> None:
    pairs = [("a", "b#c"), ("a#b", "c"), ("a", "b"), ("b", "a")]

    owners = {Caller(issuer, subject, frozenset()).owner for issuer, subject in pairs}

    assert len(owners) == len(pairs)
    assert all(len(each) <= 63 for each in owners)


def test_all_is_every_scope_on_everybody_s_images() -> None:
    every = Caller("i", "root", frozenset({Scope.ALL}))
    one = Caller("i", "alice", frozenset({Scope.READ}))

    assert all(every.may(scope) for scope in Scope)
    assert every.owns(one.owner)
    assert one.owns(one.owner)
    assert not one.owns(every.owner)
    assert not one.owns("")


@pytest.mark.parametrize(
    "subject", ["alice", "auth0|5f7c8ec7", "CN=Alice Éclair,O=Ex", "用户", "a#b", "😀", "a" * 255]
)
def test_a_subject_is_any_text_that_can_be_shown(subject: str) -> None:
    assert is_subject(subject)


@pytest.mark.parametrize(
    "subject",
    [
        *("", " ", " alice", "alice\n", "ali\0ce", "ali\x7fce", "ali\u2028ce", "ali\u202ece"),
        *("ali\u200bce", "\ud800", "\ue000", "a" * (LONGEST_SUBJECT + 1), 1, None, ["alice"]),
    ],
)
def test_what_would_mislead_a_reader_is_none(subject: object) -> None:
    assert not is_subject(subject)


def test_the_audit_shows_issuer_and_subject() -> None:
    assert Caller("https://i.example", "a#b", frozenset()).on_behalf_of == "https://i.example#a#b"
