"""Which parts of the package `kubernetes` the operator's image doesn't need."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import kopf
import kubernetes
import pytest
from support.paths import ROOT

PROGRAM = ROOT / "dev" / "image" / "prune.py"
OPERATOR = PROGRAM.parents[2] / "operator"


def load(program: Path) -> ModuleType:
    """It belongs to no package: the image's build runs it alone."""
    spec = importlib.util.spec_from_file_location(program.stem, program)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


prune_py = load(PROGRAM)

LISTING = """\
_exports = {
    "CoreApi": ".api.core_api",
    "V1Lease": ".models.v1_lease",
    "V1LeaseSpec": ".models.v1_lease_spec",
    "V1Pod": ".models.v1_pod",
}
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Site packages with a small `kubernetes`, whose two halves have the same classes."""
    site = tmp_path / "site-packages"
    for half in ("client", "aio/client"):
        client = site / "kubernetes" / half
        write(client / "__init__.py", LISTING)
        write(client / "api" / "__init__.py", "from .core_api import CoreApi\n")
        write(client / "api" / "core_api.py", "class CoreApi: answer = {'200': 'V1Pod'}\n")
        write(client / "models" / "v1_pod.py", "class V1Pod: ...\n")
        write(client / "models" / "v1_lease.py", "class V1Lease: spec = V1LeaseSpec\n")
        write(client / "models" / "v1_lease_spec.py", "class V1LeaseSpec: ...\n")
    return site


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def prune(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def left(packages: Path) -> set[str]:
    modules = (packages / "kubernetes").rglob("[!_]*.py")
    return {str(module.relative_to(packages / "kubernetes")) for module in modules}


def test_what_nothing_names_goes(packages: Path) -> None:
    done = prune(packages)

    assert done.returncode == 0, done.stderr
    assert left(packages) == set()


def test_what_another_package_names_stays_with_what_that_names(packages: Path) -> None:
    write(packages / "kopf" / "thirdparty.py", "from kubernetes.client import V1Lease\n")

    prune(packages)

    names = ("v1_lease.py", "v1_lease_spec.py")
    halves = ("client", "aio/client")
    assert left(packages) == {f"{half}/models/{name}" for half in halves for name in names}


def test_a_class_that_is_named_in_a_string_stays(packages: Path) -> None:
    """The package's own code finds a response's type this way."""
    write(packages / "kubernetes" / "aio" / "client" / "api_client.py", "def pods(): 'CoreApi'\n")

    prune(packages)

    assert {"aio/client/api/core_api.py", "aio/client/models/v1_pod.py"} <= left(packages)


def test_each_half_is_asked_for_its_own_classes(packages: Path) -> None:
    write(packages / "kubernetes" / "aio" / "client" / "rest.py", "V1Pod\n")

    prune(packages)

    assert left(packages) == {"aio/client/rest.py", "aio/client/models/v1_pod.py"}


def test_tests_go_and_keep_nothing(packages: Path) -> None:
    write(packages / "kubernetes" / "watch" / "watch_test.py", "V1Pod\n")

    prune(packages)

    assert left(packages) == set()


def test_code_that_names_a_removed_class_is_reported(packages: Path, tmp_path: Path) -> None:
    prune(packages)
    write(tmp_path / "app" / "engine.py", "def pod(): return client.V1Pod()\n")

    done = prune("--check", packages, tmp_path / "app")

    assert done.returncode == 1
    assert "V1Pod is named, but was taken out" in done.stderr


def test_code_that_does_without_is_fine(packages: Path, tmp_path: Path) -> None:
    write(tmp_path / "app" / "engine.py", "class Pod: ...\n")
    prune(packages)

    assert prune("--check", packages, tmp_path / "app").returncode == 0


def test_the_operator_names_nothing_that_its_image_has_not() -> None:
    """Otherwise the image can't be built; this test says so earlier."""
    package, kopfs = (Path(each.__file__).parent for each in (kubernetes, kopf))
    modules = list(prune_py.generated(package))
    stay = prune_py.needed(modules, prune_py.others(package, [package, kopfs]))
    gone = {name for module in modules if module not in stay for name in module.classes}
    named = {name for file in OPERATOR.rglob("*.py") for name in prune_py.named_in(file)}

    assert len(gone) > 500
    assert not named & gone
