"""The API server accepts every manifest of ours that a page shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.quickstart_blocks import ROOT, Page, Shell, differences

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.client import Client

YAML = re.compile(r"^```yaml[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KNOWN = ("imagejob.dev/v1alpha1", "flowcontrol.apiserver.k8s.io/v1", "v1", "apps/v1")
"""The cluster doesn't know other groups, such as Argo CD's."""


def manifests(page: Path) -> list[dict[str, Any]]:
    """The complete objects in its blocks."""
    texts = YAML.findall(page.read_text())
    bodies = [body for text in texts for body in yaml.safe_load_all(text)]
    return [body for body in bodies if isinstance(body, dict) and body.get("apiVersion") in KNOWN]


PAGES = [
    page for page in sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")]) if manifests(page)
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_manifest_is_taken(cluster: Client, page: Path) -> None:
    bodies = manifests(page)
    for body in bodies:
        body["metadata"].pop("namespace", None)

    answer = cluster.kubectl(
        "apply", "--dry-run=server", "--filename=-", stdin=yaml.safe_dump_all(bodies)
    )

    assert answer.count("(server dry run)") == len(bodies)


def test_the_crds_go_first_as_the_page_on_upgrading_says(cluster: Client, tmp_path: Path) -> None:
    page = Page(ROOT / "docs/upgrading.md")
    shell = Shell(tmp_path, cluster.kubeconfig, page.files, cluster.kubectl_program.parent)
    (block,) = page.without("helm")

    assert differences(block.shows, shell.run(block)) == []
