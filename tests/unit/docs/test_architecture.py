"""ARCHITECTURE.md names only existing files and folders, and every folder of the sources."""

from __future__ import annotations

import re
import tomllib

import pytest
from support.paths import ROOT

TEXT = (ROOT / "ARCHITECTURE.md").read_text()
OPERATOR = ROOT / "operator" / "imagejob_operator"
GATEWAY = ROOT / "gateway" / "imagejob_gateway"
PATHS = sorted({path for path in re.findall(r"`([\w./-]+)`", TEXT) if "/" in path or "." in path})


@pytest.mark.parametrize("path", PATHS)
def test_a_path_leads_somewhere(path: str) -> None:
    assert any((folder / path).exists() for folder in (ROOT, OPERATOR, GATEWAY))


SECTIONS = {
    "imagejob_operator": ("## The operator", "### The path of an event"),
    "imagejob_gateway": ("## The gateway", "## Where do I change"),
}


@pytest.mark.parametrize(("package", "section"), SECTIONS.items(), ids=SECTIONS)
def test_the_map_names_each_folder_in_the_order_of_its_layers(
    package: str, section: tuple[str, str]
) -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (
        each["layers"]
        for each in linter["contracts"]
        if each["type"] == "layers" and each["containers"] == [package]
    )
    text = TEXT[TEXT.index(section[0]) : TEXT.index(section[1])]
    rows = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    named = [
        name.removesuffix("/").removesuffix(".py")
        for row in rows
        for name in re.findall(r"`([^`]+)`", row)
        if name != f"gateway/{package}/"
    ]

    floors = [
        next(at for at, layer in enumerate(layers) if name in layer.split(" | ")) for name in named
    ]

    assert floors == sorted(floors)
    assert set(named) == {name for layer in layers for name in layer.split(" | ")}


def test_the_map_names_each_folder_of_the_project() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    folders = {each.name for each in ROOT.iterdir() if each.is_dir() and each.name[0] != "."}
    named = {path.split("/")[0] for path in PATHS if "/" in path}

    assert folders - ignored - named <= {"docs", "examples", "requirements"}
