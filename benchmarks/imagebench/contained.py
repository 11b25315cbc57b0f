"""A container of an image with no daemon and no registry: buildah mounts it, runc runs it.

As `docker run --read-only --network host` would run it: namespaces of its own but for the network,
the image's user, no capability, and the image's files below a fresh overlay.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROGRAMS = ("buildah", "runc")
NOBODY = 65532
PSEUDO = (
    ("/proc", "proc", ["nosuid", "noexec", "nodev"]),
    ("/dev", "tmpfs", ["nosuid", "mode=755"]),
    ("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev"]),  # noqa: S108 (the container's)
    ("/sys", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
)


@contextmanager
def container(
    image: str, bundle: Path, shared: Path, variables: Mapping[str, str]
) -> Iterator[Bundle]:
    """`shared` is the folder of this machine that the container sees, under the same path.

    DevError for an image that is not there, or a program.
    """
    if lacking := [program for program in PROGRAMS if not shutil.which(program)]:
        raise DevError(f"there is no {' and no '.join(lacking)} to run a container with")
    made = _run("buildah", "from", "--pull-never", image)
    try:
        rootfs = _run("buildah", "mount", made)
        config = json.loads(_run("buildah", "inspect", "--type=image", image))["OCIv1"]["config"]
        yield Bundle(bundle, specification(config, rootfs, shared, variables))
    finally:
        _run("buildah", "rm", made)


class Bundle:
    """What runc runs."""

    def __init__(self, folder: Path, spec: Mapping[str, Any]) -> None:
        self._folder = folder
        self._spec = spec
        self.entrypoint: Sequence[str] = spec["process"]["args"]

    def command(self, name: str, *arguments: str) -> list[str]:
        """To run the image's entry point, or `arguments`, again and again. `name` names both."""
        folder = self._folder / name
        folder.mkdir(parents=True)
        process = self._spec["process"] | {"args": list(arguments or self.entrypoint)}
        (folder / "config.json").write_text(json.dumps({**self._spec, "process": process}))
        return ["runc", "run", "--bundle", str(folder), name]


def specification(
    config: Mapping[str, Any], rootfs: str, shared: Path, variables: Mapping[str, str]
) -> dict[str, Any]:
    """Of OCI's runtime specification."""
    named = [f"{name}={value}" for name, value in variables.items()]
    pseudo = [
        {"destination": place, "type": kind, "source": kind, "options": options}
        for place, kind, options in PSEUDO
    ]
    bound = {"destination": str(shared), "source": str(shared), "options": ["rbind", "rw"]}
    return {
        "ociVersion": "1.0.2",
        "process": {
            "args": config["Entrypoint"],
            "env": [*config["Env"], *named],
            "cwd": "/",
            "user": {"uid": NOBODY, "gid": NOBODY},
            "noNewPrivileges": True,
        },
        "root": {"path": rootfs, "readonly": True},
        "mounts": [*pseudo, {**bound, "type": "bind"}],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]},
    }


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DevError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()
