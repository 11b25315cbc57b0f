"""Pages of the repository as pages of the site.

They are written to be read in the repository, so their links lead to files. On the site those to
its pages become links within it, and those to anything else links to the repository. And their
lists are written as GitHub takes them, which mkdocs reads more strictly.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {
    "chart.md": "charts/imagejob-operator/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""Page of the site → the file that it shows."""

DECISIONS = "decisions.md"
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
FENCE = re.compile(r"^\s*(```|~~~)")
ITEM = re.compile(r"^([-*]|\d+\.) ")
IN_LIST = re.compile(r"^ |^([-*]|\d+\.) ")


def decisions() -> str:
    """All decision records, by their titles."""
    files = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    titles = {file.name: file.read_text().splitlines()[0].removeprefix("# ") for file in files}
    listed = "\n".join(f"- [{title}](decisions/{name})" for name, title in titles.items())
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


def spaced(markdown: str) -> str:
    """With a blank line before each list, and what belongs to an item indented by four, not two."""
    lines: list[str] = []
    fence: int | None = None  # how far the one that is open was indented
    for line in markdown.split("\n"):
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        if fence is not None:
            lines.append(" " * (fence * 2) + line[fence:] if text else line)
            fence = None if FENCE.match(line) else fence
            continue
        fence = indent // 2 * 2 if FENCE.match(line) else None
        if ITEM.match(line) and lines and lines[-1].strip() and not IN_LIST.match(lines[-1]):
            lines.append("")
        lines.append(" " * (indent // 2 * 4) + text)
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
