"""How a page of the repository is changed for the site."""

from __future__ import annotations

import pytest
from imagejob_docs.pages import rewritten, spaced, within

REPOSITORY = "https://git.test/us"
PAGES = {"index.md", "quota.md", "chart.md", "decisions.md", "decisions/0006-fork-server-slots.md"}

LINKS = {
    "a page beside it": ("docs/quota.md", "index.md", "quota.md"),
    "a page, from a folder below": (
        "docs/quota.md",
        "decisions/0006-fork-server-slots.md",
        "../quota.md",
    ),
    "a page that lives elsewhere": ("charts/imagejob-operator/README.md", "index.md", "chart.md"),
    "the folder of decisions": ("docs/decisions", "index.md", "decisions.md"),
    "a file of no page": (
        "crds/imagejobs.yaml",
        "index.md",
        f"{REPOSITORY}/blob/main/crds/imagejobs.yaml",
    ),
    "a folder": ("examples", "index.md", f"{REPOSITORY}/tree/main/examples"),
    "nothing": ("docs/nothing.md", "index.md", None),
}

LISTS = {
    "a list after a line": ("For:\n- one\n- two", "For:\n\n- one\n- two"),
    "an item of two lines": ("- one\n  more\n- two", "- one\n    more\n- two"),
    "a fence in an item": (
        "- one\n\n  ```sh\n  ls\n    x\n  ```",
        "- one\n\n    ```sh\n    ls\n      x\n    ```",
    ),
    "a fence": ("```\nFor:\n- one\n  more\n```", "```\nFor:\n- one\n  more\n```"),
}


@pytest.mark.parametrize("case", LINKS)
def test_a_link_leads_to(case: str) -> None:
    path, source, expected = LINKS[case]

    assert within(path, source, PAGES, REPOSITORY) == expected


def test_links_are_read_from_where_the_page_lives() -> None:
    asked: list[str] = []
    text = "[a](../../docs/quota.md#x) [b](https://other.test) [c](#here)\n```\n[d](e)\n```"

    made = rewritten(text, "chart.md", lambda path: asked.append(path) or "quota.md")

    assert asked == ["docs/quota.md"]
    assert made == text.replace("../../docs/quota.md", "quota.md")


@pytest.mark.parametrize("case", LISTS)
def test_as_mkdocs_reads(case: str) -> None:
    written, expected = LISTS[case]

    assert spaced(written) == expected
