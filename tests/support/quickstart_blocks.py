"""The commands of a documentation page, run as a reader would run them.

A fenced `sh` block is commands. A `text` block right after it is their output. A block with a
title is a file. A comment before commands, `<!-- needs: kind -->`, says what they need besides a
cluster with the operator in it:

    kind    Docker and kind
    helm    a cluster, the images on its nodes, and Helm
    yours   something of the reader's own, with an example in the block, such as a bucket

    page = Page(ROOT / "docs/quickstart.md")
    shell = Shell(folder, kubeconfig, page.files, S3_ENDPOINT=…, …)
    assert shell.misled(page.without("kind", "yours")) == {}
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from support.paths import ROOT

if TYPE_CHECKING:
    from imagejob_dev.client import Client

FENCE = re.compile(
    r"""
    (?:^<!--\ needs:\ (?P<needs>\w+)\ -->\n)?
    ^```(?P<kind>\w*)(?:\ title="(?P<title>[^"]+)")?\n
    (?P<text>.*?)
    ^```\n
    (?:\n```text\n(?P<shows>.*?)^```\n)?
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
SECONDS = 300.0

READING_HEAD = 'head() { command head "$@" && cat >/dev/null; }'
"""A `head` that reads its input to the end.

The shell takes a command that fails within a pipe for a failure. Without this, `kubectl … | head`
fails where its output is longer than the pipe holds, or its reader is quick: SIGPIPE ends kubectl.
"""

ANY = "..."
"""This line stands for any number of lines."""

MASKS = (
    (r"https?://[\w.:/-]+", "<url>"),
    (r"\b[0-9a-f]{64}\b", "<digest>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\bij-[a-z2-7]{16}(-[a-z0-9]{5})?\b", "<worker>"),
    (r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-<suffix>"),
    (r"\b(\d+[dhms])+\b", "<age>"),
    (r"\d[\d,.]*( [KMG]i?B| kB| B)?\b", "<number>"),
    (r"[ \t]+", " "),
    (r"[-=]{3,}", "---"),
)
"""Parts that differ between runs; columns are as wide as their content."""


class Block(NamedTuple):
    """Commands, what they need besides a cluster, and the output that the page shows."""

    name: str
    commands: str
    needs: str
    shows: str | None


class Page:
    """What a page asks its reader to do: files to write, and blocks of commands, in order."""

    def __init__(self, file: Path) -> None:
        text = file.read_text()
        self.files: dict[str, str] = {}
        self.blocks: list[Block] = []
        for fence in FENCE.finditer(text):
            if fence["title"]:
                self.files[fence["title"]] = fence["text"]
            if fence["kind"] == "sh":
                line = text.count("\n", 0, fence.start()) + 1
                first, *_ = fence["text"].splitlines()
                name = f"{file.name}:{line}: {first}"
                self.blocks.append(Block(name, fence["text"], fence["needs"] or "", fence["shows"]))

    def without(self, *needs: str) -> list[Block]:
        """The blocks that need none of that."""
        return [block for block in self.blocks if block.needs not in needs]


class CommandError(AssertionError):
    """A command of the page failed; the message has its output."""


class Shell:
    """A reader's shell, in a folder that looks like a checkout; variables and functions persist.

    `kubeconfig` is the administrator's; only a copy of it is changed. `programs` are folders to
    search for kubectl and the like first, `variables` what a reader has set by then.
    """

    def __init__(
        self,
        folder: Path,
        kubeconfig: Path,
        files: Mapping[str, str],
        *programs: Path,
        **variables: str,
    ) -> None:
        self.folder = folder
        self._state = folder / ".variables"
        own = folder / ".kubeconfig"
        shutil.copy(kubeconfig, own)
        self._environment = {
            "HOME": str(folder),
            "KUBECONFIG": str(own),
            "LC_ALL": "C.UTF-8",
            "PATH": ":".join([*map(str, programs), os.environ["PATH"]]),
        }
        given = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
        self._state.write_text("".join(given))
        for name, text in files.items():
            (folder / name).write_text(text)
        for part in ("charts", "crds", "docs", "examples", "Dockerfile"):
            (folder / part).symlink_to(ROOT / part)

    def run(self, block: Block) -> str:
        """Return its output, standard error included; CommandError if a command fails."""
        save = f"trap '{{ export -p; declare -f; }} >\"{self._state}\"' EXIT"
        script = f'. "{self._state}"; {save}; {READING_HEAD}\n{block.commands}'
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise CommandError(f"{block.name}\nended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def misled(self, blocks: Iterable[Block]) -> dict[str, list[str]]:
        """Block → the `differences` in its output, if there are any."""
        found = {block.name: differences(block.shows, self.run(block)) for block in blocks}
        return {name: lines for name, lines in found.items() if lines}


def store_of(cluster: Client) -> dict[str, str]:
    """The variables of the quick start's reader, for the tests' S3 server."""
    s3 = cluster.s3
    return {
        "S3_ENDPOINT": s3.endpoint,
        "S3_HERE": s3.endpoint,
        "S3_REGION": s3.region,
        "S3_BUCKET": "team-a",
        "AWS_ACCESS_KEY_ID": s3.credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": s3.credentials.secret_key,
    }


def differences(shown: str | None, said: str, *, in_company: bool = False) -> list[str]:
    """The lines of the page that are missing in the output, in order, and vice versa.

    Nothing is compared where the page shows nothing. Numbers, times, names and widths may differ.
    `in_company` ignores lines about other objects, which the page doesn't know.
    """
    if shown is None:
        return []
    wanted, rest, wrong, skips = masked(shown), masked(said), [], in_company
    for line in wanted:
        if line == ANY:
            skips = True
            continue
        place = rest.index(line) if line in rest else None
        if place is None or (place > 0 and not skips):
            wrong.append(f"- {line}")
            continue
        rest, skips = rest[place + 1 :], in_company
    extra = [] if skips else [f"+ {line}" for line in rest]
    return [*wrong, *extra]


def masked(text: str) -> list[str]:
    """Its lines, without parts that differ between runs, and without empty ones."""
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return [line.strip() for line in text.splitlines() if line.strip()]
