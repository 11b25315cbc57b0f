"""Names meant to be more than names: they reach the store byte for byte, or are rejected.

An item reads the object `in/<name>` and writes below the prefix `out/<name>`, in a folder and in a
real S3 server. boto3, which shares no code with the worker, lists what is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from imagejob_dev.processnode.expand import expand
from imagejob_dev.s3 import S3Server
from imagejob_operator.contract import order as operator_order
from imagejob_worker.contract import order as worker_order
from PIL import Image
from support import worker_process
from support.specimens import jpeg
from support.worker_process import Ended, Workplace

SECRET = "the-secret-that-must-not-be-seen"
PHOTO = jpeg.encode(Image.linear_gradient("L").convert("RGB"))
OUTPUTS: list[dict[str, Any]] = [{"name": "thumb", "width": 8, "format": "png"}]

KEPT = {
    "expansion": "$(AWS_SECRET_ACCESS_KEY)",
    "expansion-in-the-middle": "a$(AWS_SECRET_ACCESS_KEY)b$(HOME)",
    "escaped-expansion": "$$(AWS_SECRET_ACCESS_KEY)",
    "dollars": "$$",
    "shell-variable": "${AWS_SECRET_ACCESS_KEY} $HOME",
    "command": "$(cat /etc/passwd)`id`",
    "second-command": "x; rm -rf ~ && echo | tee > out < in",
    "globs": "*?[a-z]{b,c}",
    "single-quote": "it's",
    "double-quote": 'a "b" c',
    "backslashes": "a\\b\\\\c\\n\\x00",
    "spaces": " a  b ",
    "json": '{"version": 2, "items": []}',
    "yaml": "a: &x [*x, !!python/object:os.system]",
    "xml": "<Key>&amp;</Key>]]>",
    "template": "{{ .Values.secret }} {% x %} %(x)s %s {0.__class__}",
    "percent": "100%",
    "encoded-slash": "a%2Fb",
    "encoded-dots": "%2e%2e%2f",
    "encoded-twice": "%252F%00%0A",
    "query": "a?versionId=null&acl#part",
    "plus-and-equals": "a+b=c&d",
    "brackets-and-bars": "[a]|^~",
    "at-and-colon": "user:password@host",
    "option": "--endpoint-url=evil",
    "umlauts": "Grüße",
    "composed-and-decomposed": "\u00e9 e\u0301",
    "emoji": "\U0001f431\u200d\U0001f3fd",
    "right-to-left": "\u202egpj.exe",
    "zero-width": "a\u200bb\ufeffc",
    "line-separator": "a\u2028b\u0085c",
    "slash-lookalike": "a\u2215b\uff0fc",
    "hidden": ".hidden",
    "dots-within": "a..b/...",
    "home": "~/x",
    "worker-s-own-names": "IMAGEJOB_ORDER/scratch/source",
    "long": "/".join(["x" * 200] * 4),
}
REFUSED = {
    "newline": "a\nb",
    "header-injection": "a\r\nX-Amz-Acl: public-read",
    "tab": "a\tb",
    "nul": "a\0b",
    "escape": "\x1b[2J",
    "delete": "a\x7fb",
    "empty-segment": "a//b",
    "trailing-slash": "a/",
    "dot": "a/./b",
    "parent": "a/../b",
    "parents": "../../../../etc/passwd",
    "only-parent": "..",
    "too-long": "x" * 1030,
    "too-long-in-bytes": "\u00e9" * 520,
}
NAMES = KEPT | REFUSED


def item(name: str) -> dict[str, Any]:
    return worker_process.item(
        f"in/{name}", OUTPUTS, uid=name, destination={"store": "box", "prefix": f"out/{name}"}
    )


def run(place: Workplace, names: list[str], **changes: Any) -> dict[str, Ended | None]:
    """Run each name's item, 15 to an order. The environment has what an expansion would find."""
    ended: dict[str, Ended | None] = {}
    for start in range(0, len(names), 15):
        batch = names[start : start + 15]
        order = worker_process.order([item(name) for name in batch], **changes)
        result = place.run(
            order, AWS_SECRET_ACCESS_KEY=SECRET, AWS_ACCESS_KEY_ID="of-the-environment"
        )
        assert result.exit_code == 0, result.log
        assert SECRET not in result.log + place.report.read_text("ascii")
        ended |= dict(zip(batch, result.ended, strict=True))
    return ended


@dataclass(frozen=True)
class Outcome:
    """How the items ended, and the names of all that they wrote."""

    ended: dict[str, Ended | None]
    written: set[str]


@pytest.fixture(scope="module")
def in_folder(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    place = Workplace(tmp_path_factory.mktemp("volume"))
    for name in KEPT.values():
        place.put("box", f"in/{name}", PHOTO)
    (place.stores / "box" / "in").mkdir(exist_ok=True)
    before = set(place.root.rglob("*"))
    ended = run(place, list(NAMES.values()))
    box = place.stores / "box"
    created = {path for path in set(place.root.rglob("*")) - before if path.is_file()}
    return Outcome(ended, {str(path.relative_to(box)) for path in created})


@pytest.fixture(scope="module")
def in_bucket(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    place, bucket = Workplace(tmp_path_factory.mktemp("bucket")), s3.make_bucket("injection")
    credentials = s3.credentials
    place.put("box", "AWS_ACCESS_KEY_ID", credentials.access_key.encode())
    place.put("box", "AWS_SECRET_ACCESS_KEY", credentials.secret_key.encode())
    client = s3.client()
    try:
        for name in KEPT.values():
            client.put_object(Bucket=bucket, Key=f"in/{name}", Body=PHOTO)
        store = {"s3": {"endpoint": s3.endpoint, "bucket": bucket, "pathStyle": True}}
        ended = run(place, list(NAMES.values()), stores={"box": store})
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = {found["Key"] for page in pages for found in page.get("Contents", ())}
    finally:
        client.close()
    return Outcome(ended, keys - {f"in/{name}" for name in KEPT.values()})


@pytest.fixture(params=["in_folder", "in_bucket"])
def outcome(request: pytest.FixtureRequest) -> Outcome:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("name", KEPT.values(), ids=KEPT)
def test_a_strange_name_is_read_and_written_byte_for_byte(outcome: Outcome, name: str) -> None:
    end = outcome.ended[name]

    assert end is not None
    assert (end.reason, end.message) == ("Succeeded", "")
    assert f"out/{name}/thumb.png" in outcome.written


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
def test_a_name_that_can_name_nothing_is_refused(outcome: Outcome, name: str) -> None:
    end = outcome.ended[name]

    assert end is not None
    assert end.reason in {"SourceNotFound", "AccessDenied"}
    assert end.message
    assert end.message.isprintable()
    assert end.message.isascii()


def test_nothing_is_written_but_what_was_asked_for(outcome: Outcome) -> None:
    assert outcome.written == {f"out/{name}/thumb.png" for name in KEPT.values()}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_the_operator_s_order_reaches_the_worker_unchanged(name: str) -> None:
    """It passes the kubelet's expansion, which would reveal the secret in a plain value."""
    record = item(name) | {"name": name, "attempt": 1}
    pending = msgspec.convert(worker_process.order([record]), operator_order.Order)

    text = expand(pending.encode(), {"AWS_SECRET_ACCESS_KEY": SECRET, "HOME": "/root"})
    read = worker_order.decode(text).items[0]

    assert (read.source.key, read.destination.prefix) == (f"in/{name}", f"out/{name}")
    assert not set(text) & set("$(){}'\"\\`%&;<>|~*?[]# \t\r\n\0")


ROOT_KEYS = ["/etc/passwd", "/", "", ".", "..", "../box/in"]


@pytest.mark.parametrize("key", ROOT_KEYS)
def test_a_whole_key_that_leads_out_of_the_store_is_refused(tmp_path: Path, key: str) -> None:
    place = Workplace(tmp_path / "pod")
    place.put("box", "in", PHOTO)
    items = [
        worker_process.item(key, OUTPUTS, destination={"store": "box", "prefix": "out"}),
        worker_process.item("in", OUTPUTS, destination={"store": "box", "prefix": key}),
    ]

    result = place.run(worker_process.order(items))

    reading, writing = result.ended
    assert reading
    assert reading.reason == "SourceNotFound"
    assert writing
    assert writing.reason == "AccessDenied"
    assert [path.name for path in place.stores.rglob("*")] == ["box", "in"]
