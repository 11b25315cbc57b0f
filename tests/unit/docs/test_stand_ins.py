"""The quick start's blocks that need Docker, kind, or something of the reader's, with stand-ins.

The stand-ins record their calls; tests/e2e checks the effects, where Docker runs.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from support.quickstart_blocks import ROOT, Page, Shell

PAGE = Page(ROOT / "docs/quickstart.md")
STAND_IN = '#!/bin/sh\necho "$(basename "$0") $*" >>"$HOME/asked"\n'
IMAGES = {"operator": "imagejob-operator", "worker": "imagejob-worker"}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("docker", "kind", "kubectl"):
        (programs / name).write_text(STAND_IN)
        (programs / name).chmod(0o755)
    kubeconfig = tmp_path / "config"
    kubeconfig.touch()
    home = tmp_path / "home"
    home.mkdir()
    return Shell(home, kubeconfig, PAGE.files, programs)


def test_on_kind_what_is_built_is_loaded_into_the_cluster_that_is_made(shell: Shell) -> None:
    asked = ask(shell, "kind")
    built = {
        re.findall(r"--target (\S+) --tag (\S+)", line)[0] for line in asked if "build" in line
    }
    clusters = set(re.findall(r"--name (\S+)", "\n".join(asked)))

    assert built == {(target, f"{name}:dev") for target, name in IMAGES.items()}
    assert clusters == {"imagejob"}
    assert (
        f"kind load docker-image --name imagejob {' '.join(sorted(tag for _, tag in built))}"
        in asked
    )
    assert asked[0] == "kind create cluster --name imagejob"
    assert asked[-1] == "kind delete cluster --name imagejob"


def test_on_kind_the_s3_server_is_reached_where_its_service_is(shell: Shell) -> None:
    asked = ask(shell, "kind")
    _, _, service = yaml.safe_load_all((ROOT / "examples/quickstart/s3.yaml").read_text())
    (port,) = service["spec"]["ports"]
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    variables = (shell.folder / ".variables").read_text()

    assert "kubectl apply -f examples/quickstart/s3.yaml" in asked
    assert f"kubectl --namespace {namespace} port-forward service/{name} {port['port']}" in asked
    assert f'S3_ENDPOINT="http://{name}.{namespace}:{port["port"]}"' in variables
    assert f'S3_HERE="http://localhost:{port["port"]}"' in variables


def test_elsewhere_built_images_are_pushed_and_passed_to_helm(shell: Shell) -> None:
    asked = ask(shell, "yours")
    built = re.findall(r"build --target \S+ --tag (\S+)", "\n".join(asked))
    pushed = re.findall(r"push (\S+)", "\n".join(asked))

    assert built == pushed == [f"registry.example.com/{name}:dev" for name in IMAGES.values()]


def test_the_dockerfile_has_the_targets() -> None:
    targets = re.findall(r"^FROM .* AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert set(IMAGES) <= set(targets)


def ask(shell: Shell, needs: str) -> list[str]:
    """The stand-ins' calls from the blocks that need this."""
    for block in PAGE.blocks:
        if block.needs == needs:
            shell.run(block)
    return (shell.folder / "asked").read_text().splitlines()
