"""Each row of the table of S3's answers in docs/reasons.md, given to a real worker by a server."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from imagejob_operator.api.reasons import Reason
from imagejob_operator.imagejob import retry
from PIL import Image
from support import worker_process
from support.api_objects import NOW, PLATFORM, image_job
from support.paths import ROOT
from support.s3_stores import BUCKET, Stub, serving
from support.specimens import jpeg
from support.worker_process import Ended, Workplace

PHOTO = jpeg.encode(Image.linear_gradient("L").resize((8, 8)).convert("RGB"))
OUTPUTS = [{"name": "o", "format": "png"}]
REGION = "eu-central-1"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2lu/SESSION+EXAMPLE==",
}
BATCH = 8  # in one worker, whose report then has room for their whole messages

_ROW = re.compile(
    r"^\| (\d{3}) \| (?:`([^`]+)`|none)(?:, (.+?))? \| (both|GET|PUT) \| `(\w+)` "
    r"\| (no|another worker|at once) \| (.*?) \|$",
    re.MULTILINE,
)


class Row(NamedTuple):
    """A row of the table, for one of the two methods."""

    name: str
    method: str  # GET or PUT
    status: int
    code: str
    extra: str
    reason: str
    retried: str
    words: str

    @property
    def key(self) -> str:
        return self.name if self.method == "GET" else f"{self.name}/o.png"

    @property
    def said(self) -> str:
        """The store's own message: with the word of the row, if it has one."""
        return f"A store's words about {self.extra.strip('*')}".strip()

    @property
    def body(self) -> bytes:
        if not self.code:
            return b"<html><h1>No XML</h1></html>"
        region = f"<Region>{REGION}</Region>" if self.extra == "`<Region>`" else ""
        return (
            f"<?xml version='1.0'?>\n<Error><Code>{self.code}</Code><Message>"
            f"{self.said.replace('<', '&lt;')}</Message>{region}<HostId>a-host</HostId></Error>"
        ).encode()

    @property
    def message(self) -> str:
        """The message of the ImageJob's status, as the page says it is made."""
        doing = "read" if self.method == "GET" else "write"
        words = self.words.replace("BUCKET", BUCKET).replace("REGION", REGION)
        if self.reason == "SourceNotFound":
            return ": ".join(filter(None, [f"store up has no object {self.key}", words]))
        verb = "refused to" if self.reason == "AccessDenied" else "can't"
        code = self.code or f"it answers {self.status} {HTTPStatus(self.status).phrase}"
        detail = ": ".join(filter(None, [code, words]))
        end = f'; the store says "{self.said}"' if self.code else ""
        return f"store up {verb} {doing} {self.key}: {detail}{end}"


def read_table() -> list[Row]:
    """The table, with those of `both` twice."""
    found: list[Row] = []
    page = (ROOT / "docs" / "reasons.md").read_text()
    for status, shown, extra, on, *rest in _ROW.findall(page):
        code = shown.replace("…", "AnyOtherException")
        for method in ("GET", "PUT"):
            if on in (method, "both"):
                name = f"{method}-{len(found)}"
                found.append(Row(name, method, int(status), code, extra, *rest))
    return found


ROWS = read_table()


class Store:
    """A server that gives each row's answer to the requests for its key, and counts them."""

    def __init__(self) -> None:
        self.rows = {row.name: row for row in ROWS}
        self.requests: Counter[str] = Counter()

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        row = self.rows[urlsplit(request.path).path.split("/")[2]]
        self.requests[row.name] += 1
        request.send_response(row.status)
        if row.extra == "`x-amz-delete-marker`":
            request.send_header("x-amz-delete-marker", "true")
        if row.extra == "`x-amz-bucket-region`":
            request.send_header("x-amz-bucket-region", REGION)
        request.send_header("Content-Length", str(len(row.body)))
        request.end_headers()
        request.wfile.write(row.body)


class Outcome(NamedTuple):
    """How each row's item ended, and how many requests were made for it."""

    ended: dict[str, Ended | None]
    requests: Counter[str]


def stores(endpoint: str) -> dict[str, Any]:
    return {"up": {"s3": {"endpoint": endpoint, "bucket": BUCKET}}, "box": {"volume": {}}}


def item(row: Row) -> dict[str, Any]:
    """An item that reads from, or writes to, the store under test; the other store is a folder."""
    up, box = {"store": "up", "key": row.key}, {"store": "box", "key": "photo"}
    if row.method == "GET":
        destination = {"store": "box", "prefix": f"out/{row.name}"}
        return worker_process.item(row.name, OUTPUTS, source=up, destination=destination)
    destination = {"store": "up", "prefix": row.name}
    return worker_process.item(row.name, OUTPUTS, source=box, destination=destination)


def workplace(root: Path) -> Workplace:
    place = Workplace(root)
    for name, value in KEYS.items():
        place.put("up", name, value.encode())
    place.put("box", "photo", PHOTO)
    return place


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    store, pods = Store(), tmp_path_factory.mktemp("pods")  # not in the threads: it is made for one

    def run(batch: list[Row]) -> dict[str, Ended | None]:
        place = workplace(pods / batch[0].name)
        items = [item(row) for row in batch]
        order = worker_process.order(items, stores=stores(stub.endpoint), parallelism=BATCH)
        names = [row.name for row in batch]
        return dict(zip(names, place.run(order).ended, strict=True))

    # Those that a worker retries for seconds wait together.
    rows = sorted(ROWS, key=lambda row: (row.retried, row.method))
    batches = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
    with serving(Stub(store)) as stub, ThreadPoolExecutor(3) as pool:
        ended = [*pool.map(run, batches)]
    return Outcome({name: end for each in ended for name, end in each.items()}, store.requests)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name} {row.status} {row.code}")
def test_each_answer_has_the_reason_and_the_message_of_its_row(outcome: Outcome, row: Row) -> None:
    end = outcome.ended[row.name]

    assert end is not None
    assert (end.reason, end.message) == (row.reason, row.message)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name} {row.status} {row.code}")
def test_each_answer_is_retried_as_its_row_says(outcome: Outcome, row: Row) -> None:
    job, reason = image_job(retries=3), Reason(row.reason)

    backoff, was_large = timedelta(seconds=10), False
    follows = retry.next_attempt(job, reason, 1, NOW, was_large, backoff, PLATFORM.bounds)

    assert (follows is not None) == (row.retried != "no")
    assert (outcome.requests[row.name] > 1) == (row.retried == "at once")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_table_has_many_codes(method: str) -> None:
    assert len({row.code for row in ROWS if row.method == method} - {""}) >= 25


def echo(request: BaseHTTPRequestHandler) -> None:
    """Repeat in the message the credentials that were sent, and give what else S3 gives."""
    request.rfile.read(int(request.headers.get("Content-Length", 0)))
    query = {name: value for name, (value,) in parse_qs(urlsplit(request.path).query).items()}
    signed = query["X-Amz-Credential"].partition("/")[0]
    sent = f"{query['X-Amz-Security-Token']} {query['X-Amz-Signature']} {signed} {request.path}"
    body = (
        f"<Error><StringToSign>to-be-signed</StringToSign><CanonicalRequest>canonical"
        f"</CanonicalRequest><AWSAccessKeyId>{KEYS['AWS_ACCESS_KEY_ID']}</AWSAccessKeyId>"
        f"<Code>SignatureDoesNotMatch</Code><Message>You sent {sent} </Message>"
        f"<HostId>the-host-id</HostId></Error>"
    )
    request.send_response(403)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body.encode())


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_nothing_that_was_sent_comes_back_in_the_status_or_the_log(
    tmp_path: Path, method: str
) -> None:
    place = workplace(tmp_path / "pod")
    row = ROWS[0]._replace(name="a", method=method)
    with serving(Stub(echo)) as stub:
        run = place.run(worker_process.order([item(row)], stores=stores(stub.endpoint)))

    (end,) = run.ended
    assert end is not None
    shown = end.message + run.log
    assert "SignatureDoesNotMatch" in end.message
    assert 'the store says "You sent (hidden) (hidden) (hidden) ' in end.message
    assert not [value for value in KEYS.values() if value in shown]
    assert not re.search("[0-9a-f]{64}|to-be-signed|canonical|the-host-id", shown)
