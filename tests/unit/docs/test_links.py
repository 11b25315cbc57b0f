"""Links in all pages, as read in the repository or on the site made from them.

mkdocs checks the links of the site (`make docs`); this test checks files and headings of all pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.paths import ROOT

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *(ROOT / folder / "README.md" for folder in ("benchmarks", "dev")),
        *ROOT.glob("charts/*/README.md"),
    ]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`[^`\n]*`")
TEST = re.compile(r"`(tests/[^`\s]+\.py)`")
HEADING = re.compile(r"^#{1,6} (.+?)$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_in_it(page: Path) -> None:
    assert list(broken(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_it_names_is_there(page: Path) -> None:
    named = TEST.findall(page.read_text())

    assert [path for path in named if not list(ROOT.glob(path))] == []


def test_each_promise_names_the_tests_that_show_it() -> None:
    section = (ROOT / "docs/concepts.md").read_text().partition("## What is promised")[2]
    promises = [line for line in section.partition("\n## ")[0].splitlines() if line[:3] == "| *"]

    assert len(promises) > 10
    assert [promise for promise in promises if not TEST.search(promise)] == []


def broken(page: Path) -> Iterator[str]:
    for target in LINK.findall(SPAN.sub("", CODE.sub("", page.read_text()))):
        path, _, anchor = target.partition("#")
        if ":" in path:
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"{target}: no such file"
        elif anchor and anchor not in anchors(file):
            yield f"{target}: no such heading"


@cache
def anchors(page: Path) -> frozenset[str]:
    """Anchors on which GitHub and mkdocs agree; a repeated heading has none."""
    slugs = Counter(slug(each) for each in HEADING.findall(CODE.sub("", page.read_text())))
    return frozenset(slugs)


def slug(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", text))
