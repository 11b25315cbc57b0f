"""What mkdocs does beyond mkdocs.yml: it loads this file by its path, and calls these by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

from imagejob_docs.pages import DECISIONS, ELSEWHERE, ROOT, decisions, rewritten, spaced, within

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page


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
    markdown = spaced(markdown)
    return rewritten(markdown, source, lambda path: within(path, source, pages, repository))
