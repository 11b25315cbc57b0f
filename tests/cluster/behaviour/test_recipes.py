"""The recipes: each command prints what is shown. test_pages.py checks every manifest."""

from __future__ import annotations

from pathlib import Path

import pytest
from imagejob_demo.photos import PHOTOS
from support.quickstart_blocks import ROOT, Page, Shell
from support.tenant import Tenant

PAGE = Page(ROOT / "docs/recipes.md")
PAINTED = ("aurora", "lighthouse", "poppy")
"""The photos of which the page shows more than the size. The others are small, to save time."""


@pytest.fixture
def team(newcomer: Tenant) -> Tenant:
    """A namespace with a store, and the uploads that the page mentions."""
    newcomer.open()
    painted = {photo.name: photo.encoded() for photo in PHOTOS if photo.name in PAINTED}
    for photo in PHOTOS:
        newcomer.put(photo.key, painted.get(photo.name, painted["poppy"]))
    return newcomer


@pytest.fixture
def shell(team: Tenant, tmp_path: Path) -> Shell:
    cluster = team.cluster
    return Shell(tmp_path, cluster.kubeconfig, PAGE.files, cluster.kubectl_program.parent)


@pytest.mark.usefixtures("operator")
def test_every_block_does_and_prints_what_the_page_says(team: Tenant, shell: Shell) -> None:
    ours = f"--namespace {team.namespace}"
    blocks = [
        block._replace(commands=block.commands.replace("--namespace team-a", ours))
        for block in PAGE.blocks
    ]

    misled = shell.misled(blocks)

    assert misled == {}
