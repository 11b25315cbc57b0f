"""examples/gateway/upload.html in a browser, against a gateway, a store and workers."""

from __future__ import annotations

import json
import re
import threading
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from imagejob_dev.ports import LOOPBACK
from support import gateway as gateways
from support.conditions import until
from support.paths import ROOT
from support.tenant import picture

from proofs import browser, gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.gateway import Gateway
    from support.tenant import Tenant

    from proofs.browser import Browser

SECONDS = 90.0
METHODS = ("PUT", "POST")
PAGES = ROOT / "examples" / "gateway"
RULES = re.compile(r'```json\n(\{\n  "CORSRules".*?)```', re.DOTALL)
EXAMPLE = "https://app.example.com"

# Whether each file's line has come to its end, and which widths its outputs have.
LINES = """
return [...document.querySelectorAll('#list li')].map(item => ({
  text: item.textContent,
  widths: [...item.querySelectorAll('img')].map(image => image.complete ? image.naturalWidth : 0),
}));
"""
UNREACHED = "The store can't be reached, or its CORS rules don't name this page."


class Uploaded(NamedTuple):
    """What the page shows of its files in the end; `wrong` is what should be otherwise."""

    browser: str
    shown: dict[str, list[dict[str, Any]]]
    wrong: tuple[str, ...]


def uploaded(folder: Path) -> Uploaded:
    """Upload by each method, and from a page that the bucket's rules don't name.

    Raises NoChromiumError.
    """
    shown: dict[str, list[dict[str, Any]]] = {}
    with ExitStack() as stack:
        window = stack.enter_context(browser.opened(folder))
        team = stack.enter_context(gateway.team_of(folder))
        stack.enter_context(team.cluster.operator())
        named, unnamed = (stack.enter_context(_served()) for _ in range(2))
        _let_in(team, named)
        for method in METHODS:
            store = {"direct": {"method": method}}
            run = stack.enter_context(_running(team, folder, method, store, named, unnamed))
            shown[method] = _shown(window, named, run, _files(folder))
            if method == "PUT":
                shown["unnamed"] = _shown(window, unnamed, run, _files(folder)[:1])
    return Uploaded(window.version, shown, tuple(_wrong(shown)))


def _wrong(shown: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    for method in METHODS:
        photo, drawing, other = shown[method]
        for each in (photo, drawing):
            if "Succeeded" not in each["text"] or each["widths"] != [32]:
                yield f"{method}: {each}"
        if "UnsupportedFormat" not in other["text"] or other["widths"]:
            yield f"{method}: {other}"
    if UNREACHED not in shown["unnamed"][0]["text"]:
        yield f"a page that the rules don't name: {shown['unnamed']}"


def _shown(window: Browser, page: str, run: Gateway, paths: list[Path]) -> list[dict[str, Any]]:
    window.open(f"{page}/upload.html")
    window.run(f"document.getElementById('gateway').value = 'http://{LOOPBACK}:{run.port}'")
    window.type_into("#token", run.token())
    window.type_into("#files", browser.chosen(paths))
    return until(lambda: _ended(window, len(paths)), SECONDS, every=0.2)


def _ended(window: Browser, count: int) -> list[dict[str, Any]]:
    """The lines, once all are at their end."""
    lines: list[dict[str, Any]] = window.run(LINES)
    passing = ("uploading", "Pending", "Queued", "Running", "Throttled")
    is_over = len(lines) == count and not any(
        not each["text"]
        or each["text"].strip().endswith(passing)
        or ("Succeeded" in each["text"] and not all(each["widths"] or [0]))
        for each in lines
    )
    return lines if is_over else []


def _files(folder: Path) -> list[Path]:
    """A photo, a drawing, and what is none."""
    found = {"a b.jpg": picture(64, 48), "c.png": picture(48, 64, "PNG"), "d.jpg": b"none" * 99}
    for name, data in found.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in found]


def _let_in(team: Tenant, page: str) -> None:
    """Give the bucket the rules of docs/gateway.md, for this page."""
    text = (ROOT / "docs" / "gateway.md").read_text()
    (rules,) = RULES.findall(text)
    client = team.cluster.s3.client()
    client.put_bucket_cors(
        Bucket=team.bucket, CORSConfiguration=json.loads(rules.replace(EXAMPLE, page))
    )
    client.close()


@contextmanager
def _running(
    team: Tenant, folder: Path, name: str, store: dict[str, Any], *origins: str
) -> Iterator[Gateway]:
    path = str(folder / f"gateway-{name}" / "store")
    stores = [{"name": "uploads", "credentials": path, **store}]
    with gateways.running(
        *(team, folder, b"", f"gateway-{name}"), corsOrigins=list(origins), stores=stores
    ) as run:
        yield run


@contextmanager
def _served() -> Iterator[str]:
    """A web server with the page, and so an origin of its own."""
    server = ThreadingHTTPServer((LOOPBACK, 0), partial(_Quiet, directory=str(PAGES)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""
