"""GET /docs: the OpenAPI document for people, as one page without a script.

Swagger UI would come from a CDN, or be megabytes of the image, and its page could send whatever
token is typed into it. Tools that want to try the API read /openapi.json.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code{font-family:ui-monospace,monospace}
h2{margin:2.5rem 0 .25rem;font-size:1.1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
td,th{border-top:1px solid #8884;padding:.25rem .75rem .25rem 0;text-align:left;vertical-align:top}
th{font-weight:600;font-size:.85rem}
"""
POLICY = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; frame-ancestors 'none'"
CONTENT_SECURITY_POLICY = POLICY.format(
    base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
)


def page(document: Mapping[str, Any]) -> str:
    """Render the document."""
    about = document["info"]
    return "".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(about['title'])}</title><style>{STYLE}</style>",
            f"<h1>{escape(about['title'])} {escape(about['version'])}</h1>",
            f"<p>{escape(about['description'])} ",
            'For programs: <a href="/openapi.json">/openapi.json</a></p>',
            *_operations(document),
            "</html>",
        ]
    )


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name, needs = operation["operationId"], " A token is needed."
            yield f'<h2 id="{escape(name)}"><code>{method.upper()} {escape(path)}</code></h2>'
            text = operation.get("description", "")
            yield f"<p>{escape(text)}{needs if operation.get('security') else ''}</p>"
            yield from _table(("parameter", "in", "what"), _parameters(operation))
            yield from _table(("status", "what"), _responses(operation))


def _parameters(operation: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (each["name"], each["in"], each.get("description", ""))
        for each in operation.get("parameters", ())
    ]


def _responses(operation: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [(status, each["description"]) for status, each in operation["responses"].items()]


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    yield f"<table><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
    yield "</table>"
