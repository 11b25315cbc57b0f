"""The release commands of the runbook and of the page on upgrading, run in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagejob_dev.tools.catalogue import HELM
from imagejob_dev.tools.find import find
from support.quickstart_blocks import ROOT, Page, Shell, differences

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.client import Client
    from support.release import Release

RUNBOOK, UPGRADING = (Page(ROOT / f"docs/{name}.md") for name in ("runbook", "upgrading"))


@pytest.fixture
def shell(cluster: Client, tmp_path: Path) -> Shell:
    programs = (cluster.kubectl_program.parent, find(modules=(HELM,))["helm"].parent)
    return Shell(tmp_path, cluster.kubeconfig, {}, *programs)


def test_what_the_runbook_asks_of_an_operator_that_runs(installed: Release, shell: Shell) -> None:
    look, ask = (shell.run(block) for block in RUNBOOK.blocks if block.needs == "helm")

    assert installed.leader() in look
    assert '"role"' in ask


def test_an_upgrade_the_way_back_and_the_end(installed: Release, shell: Shell) -> None:
    found = {block.name: differences(block.shows, shell.run(block)) for block in UPGRADING.blocks}

    assert {name: lines for name, lines in found.items() if lines} == {}
    assert installed.pods() == []
