"""Which parts of the package `kubernetes` the gateway's image doesn't need."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from support.image_packages import arguments, gateway_packages

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = """
import sys
import imagejob_gateway.__main__
print(*sorted(name for name in sys.modules if name.startswith("kubernetes")))
"""


def test_what_is_left_is_what_the_gateway_imports(tmp_path: Path) -> None:
    python = [sys.executable, *arguments(gateway_packages(tmp_path), IMPORTS)]

    done = subprocess.run(python, check=True, capture_output=True, text=True)

    loaded = done.stdout.split()
    assert {"kubernetes.aio.client", "kubernetes.aio.config"} <= {*loaded}
    assert not [name for name in loaded if name.split(".")[1:2] not in ([], ["aio"])]
    left = [each.name for each in (tmp_path / "site/kubernetes/aio").iterdir()]
    assert sorted(left) == ["client", "config", "utils"]
