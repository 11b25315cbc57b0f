"""The runbook's commands, run while the faults that it describes are present."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.quickstart_blocks import ROOT, Page, Shell, differences
from support.tenant import Tenant, image_job, is_finished, picture, reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.client import Client

PAGE = Page(ROOT / "docs/runbook.md")
HERE = PAGE.without("helm", "yours")


@pytest.fixture
def trouble(cluster: Client) -> Iterator[Tenant]:
    """A shop that has used up its quota, partly on texts, and a blog without a store."""
    for name in ("blog", "shop"):
        cluster.kubectl("create", "namespace", name)
    blog, shop = Tenant(cluster, "blog"), Tenant(cluster, "shop")
    shop.put("incoming/cat.jpg", picture())
    shop.put("incoming/text.jpg", b"not a picture")
    shop.open()
    shop.quota("3/1h")
    blog.apply(image_job("header"))
    shop.apply(*(image_job(f"text-{n}", "incoming/text.jpg") for n in (1, 2)), image_job("photo"))
    shop.wait_all(is_finished, 3)
    shop.apply(*(image_job(f"late-{n}") for n in (1, 2)))
    shop.wait_all(lambda status: reason(status) == "QuotaUsedUp", 2)
    blog.wait("header", lambda status: reason(status) == "StoreNotFound")
    shop.quota_status(lambda status: status.get("waiting") == 2)
    shop.events("text-1")
    shop.events("text-2")
    yield shop
    for name in ("blog", "shop"):
        cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.mark.usefixtures("operator")
def test_every_block_does_and_prints_what_the_page_says(trouble: Tenant, tmp_path: Path) -> None:
    cluster = trouble.cluster
    shell = Shell(tmp_path, cluster.kubeconfig, PAGE.files, cluster.kubectl_program.parent)

    found = {}
    for block in HERE:
        if "probe" in block.commands:
            trouble.quota("6/1h")
        found[block.name] = differences(block.shows, shell.run(block), in_company=True)

    assert {name: lines for name, lines in found.items() if lines} == {}
