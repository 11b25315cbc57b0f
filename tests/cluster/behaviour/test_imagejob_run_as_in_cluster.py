"""`imagejob run` prints what the cluster would show: the same manifests both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.imagejob_run import Desk, body, job
from support.tenant import Tenant, picture

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.kubelet


Body = dict[str, Any]

UPLOADS = {
    "cat.jpg": picture(),
    "cat.png": picture(kind="PNG"),
    "text.jpg": b"This is no picture.\n" * 9,
    "cut.jpg": picture()[:4000],
}
WEB = body(
    "ImageProfile",
    "web",
    {"outputs": [{"name": "thumb", "width": 64, "height": 64, "fit": "cover"}, {"name": "full"}]},
)
JOBS = [
    job("by-profile", "cat.jpg", profileRef={"name": "web"}),
    job("inline", "cat.png", {"name": "a", "format": "webp", "maxBytes": "20Ki"}),
    job("text", "text.jpg"),
    job("cut", "cut.jpg"),
    job("large", "cat.jpg", limits={"maxBytes": "1Ki"}),
]
ELSEWHERE = (
    *("worker", "stores", "lastFailure"),
    *("startTime", "completionTime", "processingMillis", "audit"),
)
"""Parts that depend on where and when it ran."""


@pytest.mark.usefixtures("operator")
def test_statuses_are_the_same(newcomer: Tenant, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for key, data in UPLOADS.items():
        desk.put(key, data)
        newcomer.put(key, data)
    newcomer.open()

    newcomer.apply(WEB, *JOBS)
    local = desk.run(desk.manifest(WEB, *JOBS), "--store=uploads=photos").statuses

    for name, status in local.items():
        assert timeless(status) == timeless(newcomer.wait_finished(name))


def timeless(status: Body) -> Body:
    rest = {name: value for name, value in status.items() if name not in ELSEWHERE}
    conditions = [
        {name: value for name, value in condition.items() if name != "lastTransitionTime"}
        for condition in rest["conditions"]
    ]
    return {**rest, "conditions": conditions}
