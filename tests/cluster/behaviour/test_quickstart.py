"""The quick start, block by block, as a reader would run it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from support.quickstart_blocks import ROOT, Page, Shell, store_of

if TYPE_CHECKING:
    from imagejob_dev.client import Client

PAGE = Page(ROOT / "docs/quickstart.md")
HERE = PAGE.without("kind", "helm", "yours")
"""What works without images: the operator is a process, and the tests provide the S3 server."""


@pytest.mark.usefixtures("operator")
def test_every_block_does_and_prints_what_the_page_says(cluster: Client, tmp_path: Path) -> None:
    shell = Shell(
        tmp_path,
        cluster.kubeconfig,
        PAGE.files,
        cluster.kubectl_program.parent,
        **store_of(cluster),
    )

    misled = shell.misled(HERE)

    assert misled == {}
    assert (tmp_path / "thumb.webp").read_bytes()[8:12] == b"WEBP"


def test_both_ways_to_a_store_set_the_same_variables() -> None:
    stores = [block for block in PAGE.blocks if "S3_ENDPOINT=" in block.commands]
    kind, own = (set(re.findall(r"\b([A-Z][A-Z0-9_]+)=", each.commands)) for each in stores)

    assert [block.needs for block in stores] == ["kind", "yours"]
    assert kind == own


def test_the_s3_server_of_the_page_is_hardened_as_a_tenant_s_pods_are(
    cluster: Client, namespace: str
) -> None:
    file = ROOT / "examples/quickstart/s3.yaml"
    _, deployment, service = yaml.safe_load_all(file.read_text())
    pod = {"apiVersion": "v1", "kind": "Pod", **deployment["spec"]["template"]}
    pod["metadata"]["name"] = "s3"
    bodies = [
        {**body, "metadata": {**body["metadata"], "namespace": namespace}}
        for body in (deployment, service, pod)
    ]

    answer = cluster.kubectl(
        "apply", "--dry-run=server", "--filename=-", stdin=yaml.safe_dump_all(bodies)
    )

    assert answer.count("(server dry run)") == 3
