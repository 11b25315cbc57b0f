"""Anybody with the object can compute its digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest
from imagejob_operator.api.digest import CHANGEABLE, spec_digest
from imagejob_operator.api.imagejob import ImageJobSpec
from support.apischema import schema

SPEC = {
    "source": {"storeRef": {"name": "uploads"}, "key": "incoming/Büro \u2028 😀.jpg"},
    "outputs": [{"name": "thumb", "width": 320}, {"name": "full", "maxBytes": "300Ki"}],
}


def digest(**changes: Any) -> str:
    return spec_digest(msgspec.convert({**SPEC, **changes}, ImageJobSpec))


def test_it_is_that_of_the_canonical_json_with_defaults() -> None:
    defaults = {
        "fit": "inside",
        "gravity": "center",
        "enlarge": False,
        "format": "auto",
        "lossless": False,
        "progressive": False,
        "animated": False,
    }
    stored = {
        **SPEC,
        "outputs": [{**output, **defaults} for output in SPEC["outputs"]],
        "retries": 3,
        "timeoutSeconds": 120,
    }
    text = json.dumps(stored, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert digest() == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_a_default_is_as_good_as_written() -> None:
    assert digest(retries=3, timeoutSeconds=120) == digest()


@pytest.mark.parametrize(
    "change", [{"suspend": True}, {"priority": 7}, {"ttlSecondsAfterFinished": 0}], ids=str
)
def test_what_may_change_does_not_count(change: dict[str, Any]) -> None:
    assert digest(**change) == digest()


@pytest.mark.parametrize(
    "change",
    [
        {"source": {**SPEC["source"], "key": "incoming/dog.jpg"}},
        {"source": {**SPEC["source"], "sha256": "0" * 64}},
        {"destination": {"prefix": "derived/dog"}},
        {"outputs": SPEC["outputs"][:1]},
        {"outputs": SPEC["outputs"][::-1]},
        {"metadata": {"keep": ["icc"]}},
        {"limits": {"maxBytes": 1}},
        {"limits": {"maxBytes": "1"}},
        {"retries": 0},
        {"timeoutSeconds": 121},
    ],
    ids=str,
)
def test_all_else_counts(change: dict[str, Any]) -> None:
    assert digest(**change) != digest()


def test_what_may_change_is_what_the_api_server_lets_change() -> None:
    spec = schema("imagejobs", "spec")
    frozen = {
        rule["fieldPath"].removeprefix(".")
        for rule in spec["x-kubernetes-validations"]
        if "oldSelf" in rule["rule"]
    }

    assert spec["properties"].keys() - frozen == CHANGEABLE
