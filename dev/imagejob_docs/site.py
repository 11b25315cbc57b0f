"""What mkdocs is told beyond mkdocs.yml: pages that live elsewhere in the repository, and links.

Pages are written to be read in the repository, so their links lead to files. Here those to pages
of the site become links within it, and those to anything else links to the repository.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {
    "chart.md": "charts/imagejob-operator/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""Page of the site → the file that it shows."""

DECISIONS = "decisions/index.md"
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
FENCE = re.compile(r"^\s*(```|~~~)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that live elsewhere, and the list of decisions."""
    for page, file in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / file).read_text()))
    files.append(File.generated(config, DECISIONS, content=decisions()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have each link lead where it leads in the repository."""
    source = page.file.src_uri
    repository = str(config.repo_url).rstrip("/")
    pages = {file.src_uri for file in files}
    return rewritten(markdown, source, lambda path: within(path, source, pages, repository))


def decisions() -> str:
    """All decision records, by their titles."""
    files = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    titles = {file.name: file.read_text().splitlines()[0].removeprefix("# ") for file in files}
    listed = "\n".join(f"- [{title}]({name})" for name, title in titles.items())
    return f"# Decisions\n\nWhy things are as they are, where that is not obvious.\n\n{listed}\n"


def rewritten(markdown: str, source: str, where: Callable[[str], str | None]) -> str:
    """The page `source` with its relative links as `where` says; it gets paths from the root."""
    folder = posixpath.dirname(ELSEWHERE.get(source, f"docs/{source}"))

    def replaced(link: re.Match[str]) -> str:
        path, hash_sign, anchor = link[2].partition("#")
        if not path or ":" in path:
            return link[0]
        found = where(posixpath.normpath(posixpath.join(folder, path)))
        return f"{link[1]}{found}{hash_sign}{anchor}{link[3]}" if found else link[0]

    lines, is_code = [], False
    for line in markdown.split("\n"):
        is_code ^= bool(FENCE.match(line))
        lines.append(line if is_code else LINK.sub(replaced, line))
    return "\n".join(lines)


def within(path: str, source: str, pages: Collection[str], repository: str) -> str | None:
    """A link to a file of the repository, from the page `source`; None if there is no such file."""
    pages_of = {file: page for page, file in ELSEWHERE.items()} | {"docs/decisions": DECISIONS}
    page = pages_of.get(path, path.removeprefix("docs/"))
    if (path.startswith("docs/") or path in pages_of) and page in pages:
        return posixpath.relpath(page, posixpath.dirname(source) or ".")
    if not (ROOT / path).exists():
        return None
    kind = "tree" if (ROOT / path).is_dir() else "blob"
    return f"{repository}/{kind}/main/{path}"
