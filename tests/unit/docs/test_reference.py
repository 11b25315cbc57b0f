"""The API reference has everything that the CRDs say, in valid tables."""

from __future__ import annotations

import subprocess
import sys

import pytest
from imagejob_docs.bounds import bounds_of, code, type_of
from imagejob_docs.reference import ROOT, pages
from support.apischema import NAMES, crd, fields, schema

BOUNDS = {
    "a choice": ({"type": "string", "enum": ["a", "b"]}, "`a`, `b`"),
    "a range": ({"type": "integer", "minimum": 1, "maximum": 16383}, "1 to 16,383"),
    "a bound that only keeps within the type": (
        {"type": "integer", "minimum": 0, "maximum": 2**53},
        "at least 0",
    ),
    "a text": (
        {"type": "string", "maxLength": 63, "pattern": "^[a-z]+$"},
        "at most 63 characters; `^[a-z]+$`",
    ),
    "a list by name": (
        {
            "type": "array",
            "maxItems": 16,
            "items": {"type": "object"},
            "x-kubernetes-list-map-keys": ["name"],
        },
        "at most 16 items; no two with the same `name`",
    ),
}


@pytest.mark.parametrize("case", BOUNDS)
def test_bounds_in_words(case: str) -> None:
    field, expected = BOUNDS[case]

    assert bounds_of(field) == expected


def test_a_bar_or_a_bracket_in_code_breaks_no_table() -> None:
    assert "|" not in code("^(a|b)$")
    assert "](" not in code("[a](b|c)")


def test_types() -> None:
    assert type_of({"x-kubernetes-int-or-string": True}) == "integer or string"
    assert type_of({"type": "array", "items": {"type": "object"}}) == "list of objects"


@pytest.mark.parametrize("name", NAMES)
def test_every_field_and_every_rule_is_there(name: str) -> None:
    page = pages()[f"{crd(name)['spec']['names']['kind'].lower()}.md"]
    own = [(path, field) for path, field in fields(schema(name)) if "." in path]
    rules = [rule for _, field in own for rule in field.get("x-kubernetes-validations", [])]

    missing = [path for path, _ in own if f"| `{path.split('.')[-1].rstrip('[]')}` |" not in page]
    untold = [rule["message"] for rule in rules if rule["message"] not in page]

    assert missing == []
    assert untold == []


def test_every_row_has_as_many_cells_as_its_head() -> None:
    for name, page in pages().items():
        for table in page.split("\n\n"):
            rows = [line.count("|") for line in table.splitlines() if line.startswith("|")]
            assert len(set(rows)) <= 1, f"{name}: {table}"


def test_what_is_committed_is_what_is_made() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "imagejob_docs", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "")
