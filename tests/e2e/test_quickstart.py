"""The quick start from `helm install` to the final clean-up, as a reader would run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_dev import helm
from support.quickstart_blocks import ROOT, Page, Shell, store_of
from support.release import values_of

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.client import Client
    from support.release import Release

PAGE = Page(ROOT / "docs/quickstart.md")


def test_every_block_does_and_prints_what_the_page_says(
    cluster: Client, release: Release, tmp_path: Path
) -> None:
    release.uninstall()
    operator, worker = (values_of(image) for image in release.images[:2])
    shell = Shell(
        tmp_path,
        cluster.kubeconfig,
        PAGE.files,
        cluster.kubectl_program.parent,
        helm.program().parent,
        OPERATOR_IMAGE=operator["repository"],
        WORKER_IMAGE=worker["repository"],
        TAG=operator["tag"],
        **store_of(cluster),
    )
    assert worker["tag"] == operator["tag"]  # the page uses one for both

    misled = shell.misled(PAGE.without("kind", "yours"))

    assert misled == {}
    assert (tmp_path / "thumb.webp").read_bytes()[8:12] == b"WEBP"
    assert "imagejob.dev" not in cluster.kubectl("get", "crd", "--output=name")
