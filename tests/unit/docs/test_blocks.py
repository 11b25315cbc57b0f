"""The blocks of the pages: they are found, they are shell, and their output is compared."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from support.quickstart_blocks import ROOT, Block, CommandError, Page, Shell, differences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMES = ("quickstart", "recipes", "runbook", "upgrading")
PAGES = {name: Page(ROOT / f"docs/{name}.md") for name in NAMES}
BLOCKS = [block for page in PAGES.values() for block in page.blocks]

PAGE = """\
<!-- needs: kind -->
```sh
kind create cluster
```

A file:

```yaml title="cat.yaml"
kind: ImageJob
```

```sh
kubectl apply -f cat.yaml
```

```text
created
```

```sh
kubectl get ij
```

This is not what it prints:

```text
NAME
```
"""

TABLE = "NAME   PHASE       AGE\ncat    Succeeded   4s\n"
OUTPUTS = {
    "the same": (TABLE, TABLE, []),
    "nothing shown": (None, TABLE, []),
    "other numbers, other widths": (TABLE, "NAME PHASE  AGE\ncat  Succeeded 3m20s\n", []),
    "another phase": (
        TABLE,
        TABLE.replace("Succeeded", "Failed"),
        ["- cat Succeeded <age>", "+ cat Failed <age>"],
    ),
    "a line too many": (TABLE, TABLE + "error\n", ["+ error"]),
    "a line too few": (TABLE, "NAME PHASE AGE\n", ["- cat Succeeded <age>"]),
    "lines left out": ("NAME PHASE AGE\n...\n", TABLE, []),
    "made names": (
        "ij-4m2xkq7w3dzt5hbe-x2k9q import-kg7qc",
        "ij-aaaaaaaaaaaaaaaa-bcdfg import-xxxxx",
        [],
    ),
}


def test_what_is_found_of_a_page(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(PAGE)
    page = Page(file)

    assert page.files == {"cat.yaml": "kind: ImageJob\n"}
    assert page.blocks == [
        Block("page.md:1: kind create cluster", "kind create cluster\n", "kind", None),
        Block(
            "page.md:12: kubectl apply -f cat.yaml", "kubectl apply -f cat.yaml\n", "", "created\n"
        ),
        Block("page.md:20: kubectl get ij", "kubectl get ij\n", "", None),
    ]
    assert [block.needs for block in page.without("kind")] == ["", ""]


@pytest.mark.parametrize("case", OUTPUTS)
def test_output_is_compared_by_its_shape(case: str) -> None:
    shown, said, expected = OUTPUTS[case]

    assert differences(shown, said) == expected


def test_lines_about_other_objects_are_ignored() -> None:
    assert (
        differences(
            TABLE,
            "NAME PHASE AGE\nbat Failed 1s\ncat Succeeded 1s\ndog Failed 1s\n",
            in_company=True,
        )
        == []
    )


def shell_of(tmp_path: Path, files: Mapping[str, str] | None = None, **variables: str) -> Shell:
    kubeconfig = tmp_path / "config"
    kubeconfig.touch()
    folder = tmp_path / "home"
    folder.mkdir()
    return Shell(folder, kubeconfig, files or {}, **variables)


def test_variables_and_functions_persist_and_a_failure_is_reported(tmp_path: Path) -> None:
    shell = shell_of(tmp_path, {"a.txt": "a\n"}, WHO="o'neill")

    shell.run(Block("", 'greet() { echo "hello $1"; }\nexport NAME=$WHO\n', "", None))

    assert shell.run(Block("", 'greet "$NAME"; cat a.txt\n', "", None)) == "hello o'neill\na\n"
    with pytest.raises(CommandError, match="ended with 1"):
        shell.run(Block("", "false\necho never\n", "", None))


def test_a_long_output_may_be_cut_by_head(tmp_path: Path) -> None:
    shell = shell_of(tmp_path)

    assert shell.run(Block("", "seq 1000000 | head -n 2\necho then\n", "", None)) == "1\n2\nthen\n"
    with pytest.raises(CommandError, match="ended with 3"):
        shell.run(Block("", "(echo 1; exit 3) | head\n", "", None))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_every_block_is_shell_and_says_truly_what_it_needs(block: Block) -> None:
    subprocess.run(["bash", "-n", "-c", block.commands], check=True)

    assert block.needs in ("", "kind", "helm", "yours")
    assert ("helm " in block.commands) <= (block.needs == "helm")
    assert (block.commands.startswith("kind ")) <= (block.needs == "kind")
