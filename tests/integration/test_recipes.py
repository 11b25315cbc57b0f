"""The recipes: each command does what is shown. test_pages.py looks at every manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from imagejob_demo.photos import PHOTOS
from quickstart_blocks import ROOT, Page, Shell, differences
from tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from imagejob_dev.program import Program

PAGE = Page(ROOT / "docs/recipes.md")
PAINTED = ("aurora", "lighthouse", "poppy")
"""The photos of which the page shows more than their size. The rest are small, to be quick."""


@pytest.fixture(scope="module")
def operator(cluster: Client) -> Iterator[Program]:
    running = cluster.operator()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def team(cluster: Client, namespace: str, operator: Program) -> Tenant:  # noqa: ARG001
    """A namespace with a store, and the uploads that the page speaks of."""
    made = Tenant(cluster, namespace)
    made.open()
    painted = {photo.name: photo.encoded() for photo in PHOTOS if photo.name in PAINTED}
    for photo in PHOTOS:
        made.put(photo.key, painted.get(photo.name, painted["poppy"]))
    return made


@pytest.fixture
def shell(team: Tenant, tmp_path: Path) -> Shell:
    cluster = team.cluster
    return Shell(tmp_path, cluster.kubeconfig, PAGE.files, cluster.kubectl_program.parent)


def test_every_block_does_and_prints_what_the_page_says(team: Tenant, shell: Shell) -> None:
    found = {}
    for block in PAGE.blocks:
        ours = block.commands.replace("--namespace team-a", f"--namespace {team.namespace}")
        found[block.name] = differences(block.shows, shell.run(block._replace(commands=ours)))

    assert {name: lines for name, lines in found.items() if lines} == {}
