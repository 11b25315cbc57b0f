"""Builds programs from a pinned Go module, showing what it is at."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections import deque
from typing import IO, TYPE_CHECKING

from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imagejob_dev.progress import Progress
    from imagejob_dev.tools.catalogue import Module

INSTALL_GO = "Install it from your distribution or https://go.dev/dl, and run this again."


def build(module: Module, programs: Sequence[str], into: Path, progress: Progress) -> None:
    """Build `programs` of `module` into the folder `into`; only new modules need the network."""
    _require_go(module)
    packages = [module.programs[program] for program in programs]
    progress.start(f"building {', '.join(programs)} {module.version} from its Go module")
    process = subprocess.Popen(
        [
            *("go", "build", "-v", "-trimpath", "-tags", module.tags, "-ldflags", module.ldflags),
            *("-o", f"{into}/", *packages),
        ],
        cwd=module.folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    last = _follow(process, progress)
    if process.returncode:
        progress.done("failed")
        raise DevError(f"go build failed in {module.folder}:\n" + "\n".join(last))
    if module.name == "etcd":  # its package is called server, after its folder
        (into / "server").rename(into / "etcd")
    progress.done()


def _environment() -> dict[str, str]:
    """The caller's, but for what would change the result or miss Go's shared build cache."""
    ours = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    kept = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH")}
    return kept | ours


def _follow(process: subprocess.Popen[str], progress: Progress) -> list[str]:
    """Show the package or download that Go names last until it ends; return its last lines."""
    lines: deque[str] = deque(maxlen=30)
    assert process.stderr is not None  # noqa: S101 (for the type checker: it is a pipe)
    reader = threading.Thread(target=_collect, args=(process.stderr, lines))
    with process:
        reader.start()
        try:
            while process.poll() is None:
                progress.tick(lines[-1] if lines else "resolving modules")
                reader.join(0.5)
        except BaseException:
            process.terminate()  # Ctrl-C: Go must not keep building in the background
            raise
        finally:
            process.wait()
            reader.join()
    return list(lines)


def _collect(stream: IO[str], lines: deque[str]) -> None:
    lines.extend(line.rstrip() for line in stream)


def _require_go(module: Module) -> None:
    """Asks in the module's folder, where a Go that may fetch a newer toolchain does so."""
    needed = ".".join(map(str, module.go_version))
    try:
        answer = subprocess.run(
            ["go", "version"], cwd=module.folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise DevError(
            f"{module.name} has to be built, and there is no `go` on the PATH. "
            f"Go {needed} or newer is needed. {INSTALL_GO}"
        ) from None
    found = re.search(r"go version go(\d+)\.(\d+)", answer.stdout)
    if not found:
        raise DevError(f"`go version` failed: {(answer.stderr or answer.stdout).strip()}")
    if tuple(int(part) for part in found.groups()) < module.go_version:
        raise DevError(
            f"Building {module.name} {module.version} needs Go {needed} or newer; this is "
            f"{'.'.join(found.groups())}. GOTOOLCHAIN=auto lets it fetch one. Or: {INSTALL_GO}"
        )
