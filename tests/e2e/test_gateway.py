"""The gateway's page, from its key to an output, as a reader would run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagejob_dev import helm
from imagejob_dev.client import REPOSITORY
from support.quickstart_blocks import ROOT, Block, Page, Shell
from support.release import values_of
from support.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.client import Client
    from support.release import Release

PAGE = Page(ROOT / "docs/gateway.md")
REMOVE = Block("removal", "helm uninstall imagejob-gateway --ignore-not-found --wait", "", None)


@pytest.fixture
def shell(cluster: Client, installed: Release, namespace: str, tmp_path: Path) -> Iterator[Shell]:
    """A reader's, in the namespace of a team; the release is removed afterwards."""
    assert len(installed.pods()) == 2
    team = Tenant(cluster, namespace)
    team.open()
    team.kubectl("apply", f"--filename={REPOSITORY / 'examples/profile-web.yaml'}")
    image = values_of(installed.images.gateway)
    programs = (cluster.kubectl_program.parent, helm.program().parent)
    shell = Shell(
        tmp_path,
        cluster.kubeconfig,
        {},
        *programs,
        GATEWAY_IMAGE=image["repository"],
        TAG=image["tag"],
        S3_HERE=cluster.s3.endpoint,
    )
    here = f"kubectl config set-context --current --namespace={namespace}"
    shell.run(Block("namespace", here, "", None))
    yield shell
    shell.run(REMOVE)


def test_an_upload_through_the_chart_s_gateway(shell: Shell, tmp_path: Path) -> None:
    *before, upload = [block for block in PAGE.blocks if block.needs == "helm"]
    for block in before:
        shell.run(block)

    answered = shell.run(upload)

    assert '"phase":"Succeeded"' in answered
    assert (tmp_path / "thumb.webp").read_bytes()[8:12] == b"WEBP"
