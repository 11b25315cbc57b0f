"""The quick start from `helm install` to the last clean-up, as its reader would run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_dev import helm
from quickstart_blocks import ROOT, Page, Shell, differences
from release import values_of

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.client import Client
    from release import Release

PAGE = Page(ROOT / "docs/quickstart.md")


def test_every_block_does_and_prints_what_the_page_says(
    cluster: Client, release: Release, tmp_path: Path
) -> None:
    release.uninstall()
    credentials = cluster.s3.credentials
    operator, worker = (values_of(image) for image in release.images)
    shell = Shell(
        tmp_path,
        cluster.kubeconfig,
        PAGE.files,
        cluster.kubectl_program.parent,
        helm.program().parent,
        OPERATOR_IMAGE=operator["repository"],
        WORKER_IMAGE=worker["repository"],
        TAG=operator["tag"],
        S3_ENDPOINT=cluster.s3.endpoint,
        S3_HERE=cluster.s3.endpoint,
        S3_REGION=cluster.s3.region,
        S3_BUCKET="team-a",
        AWS_ACCESS_KEY_ID=credentials.access_key,
        AWS_SECRET_ACCESS_KEY=credentials.secret_key,
    )
    assert worker["tag"] == operator["tag"]  # the page has one for both

    blocks = PAGE.without("kind", "yours")
    found = {block.name: differences(block.shows, shell.run(block)) for block in blocks}

    assert {name: lines for name, lines in found.items() if lines} == {}
    assert (tmp_path / "thumb.webp").read_bytes()[8:12] == b"WEBP"
    assert "imagejob.dev" not in cluster.kubectl("get", "crd", "--output=name")
