"""Where the dev cluster's programs come from: found, cached, fetched, or built."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.errors import DevError
from imagejob_dev.progress import Progress
from imagejob_dev.tools import find, gobuild, prebuilt
from imagejob_dev.tools.catalogue import ETCD, HELM, KUBERNETES, MODULES, Module

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = b"#!/bin/sh\necho released\n"
PATHS = {
    f"/v{KUBERNETES.version}/bin/linux/{architecture}/{program}": PROGRAM
    for architecture in prebuilt.ARCHITECTURES.values()
    for program in KUBERNETES.programs
}


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("IMAGEJOB_DEV_PREBUILT", "0")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


@pytest.fixture
def progress() -> Progress:
    return Progress(io.StringIO())


@contextmanager
def releases(files: dict[str, bytes]) -> Iterator[str]:
    """A server with the layout of Kubernetes' own; its base URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Keep it out of the test's output."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def with_checksums(files: dict[str, bytes]) -> dict[str, bytes]:
    sums = {f"{path}.sha256": hashlib.sha256(each).hexdigest() for path, each in files.items()}
    return files | {path: each.encode() for path, each in sums.items()}


def program(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(PROGRAM)
    (folder / name).chmod(0o755)
    return folder / name


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The builds that would have happened."""
    calls: list[list[str]] = []

    def build(_: Module, programs: list[str], into: Path, __: Progress) -> None:
        calls.append(programs)
        for name in programs:
            program(into, name)

    monkeypatch.setattr(gobuild, "build", build)
    return calls


def test_what_is_missing_is_built_once(built: list[list[str]], progress: Progress) -> None:
    first = find.find(progress)
    second = find.find(progress)

    assert built == [list(module.programs) for module in MODULES]
    assert first == second
    assert first["kubectl"] == find.cache() / KUBERNETES.stamp / "kubectl"
    assert not list(find.cache().glob(".new-*"))


def test_only_the_missing_program_is_built(built: list[list[str]], progress: Progress) -> None:
    find.find(progress)
    (find.cache() / KUBERNETES.stamp / "kubectl").unlink()

    find.find(progress)

    assert built[-1] == ["kubectl"]


def test_assets_come_first_for_what_they_hold(
    built: list[list[str]], progress: Progress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    etcd = program(tmp_path / "assets", "etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))

    found = find.find(progress)

    assert found["etcd"] == etcd
    assert ["etcd"] not in built
    assert found["versitygw"].is_relative_to(find.cache())


def test_a_changed_pin_builds_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = ETCD.stamp
    pinned = tmp_path / "tools" / "etcd"
    pinned.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (pinned / name).write_text((ETCD.folder / name).read_text())
    monkeypatch.setattr("imagejob_dev.tools.catalogue.TOOLS", tmp_path / "tools")
    assert ETCD.stamp == before

    (pinned / "go.sum").write_text((pinned / "go.sum").read_text() + "\n")

    assert ETCD.stamp != before


def test_helm_is_built_again_for_another_kubernetes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = HELM.stamp
    tools = tmp_path / "tools"
    for module in (HELM, KUBERNETES):
        (tools / module.name).mkdir(parents=True)
        for name in ("go.mod", "go.sum"):
            (tools / module.name / name).write_text((module.folder / name).read_text())
    monkeypatch.setattr("imagejob_dev.tools.catalogue.TOOLS", tools)
    assert HELM.stamp == before

    pin = tools / "kubernetes" / "go.mod"
    pin.write_text(pin.read_text().replace(f"v{KUBERNETES.version} ", "v1.99.0 "))

    assert HELM.stamp != before


def test_two_concurrent_builds_build_once(built: list[list[str]]) -> None:
    threads = [
        threading.Thread(target=find.find, args=(Progress(io.StringIO()),)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(built) == len(MODULES)


def test_released_programs_are_fetched(
    built: list[list[str]], progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEJOB_DEV_PREBUILT", "1")
    with releases(with_checksums(PATHS)) as url:
        monkeypatch.setenv("IMAGEJOB_DEV_PREBUILT_URL", url)

        found = find.find(progress)

    assert found["kube-apiserver"].read_bytes() == PROGRAM
    assert os.access(found["kube-apiserver"], os.X_OK)
    assert built == [["etcd"], ["versitygw"]]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {f"{path}.sha256": b"<html>welcome to the hotel</html>" for path in PATHS},
        with_checksums(PATHS) | dict.fromkeys(PATHS, b"altered on the way"),
        {path: each for path, each in with_checksums(PATHS).items() if path not in PATHS},
    ],
    ids=["not found", "captive portal", "wrong checksum", "program missing"],
)
def test_what_cannot_be_fetched_is_built(
    files: dict[str, bytes],
    built: list[list[str]],
    progress: Progress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IMAGEJOB_DEV_PREBUILT", "1")
    with releases(files) as url:
        monkeypatch.setenv("IMAGEJOB_DEV_PREBUILT_URL", url)

        find.find(progress)

    assert built == [list(module.programs) for module in MODULES]


def test_no_server_is_found_out_fast(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEJOB_DEV_PREBUILT", "1")
    monkeypatch.setenv("IMAGEJOB_DEV_PREBUILT_URL", "http://127.0.0.1:1")

    assert not prebuilt.fetch(KUBERNETES, "kubectl", Path("/nonexistent"), progress)


def test_no_go(progress: Progress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(DevError, match=r"no `go` on the PATH. Go 1\.26 or newer is needed"):
        gobuild.build(ETCD, ["etcd"], tmp_path, progress)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo go version go1.22.4 linux/amd64", r"needs Go 1\.26 or newer; this is 1\.22"),
        ("echo go: no toolchain >&2; exit 1", "no toolchain"),
        (
            'test "$1" = version && exec echo go version go1.26.8; echo no such thing >&2; exit 1',
            "no such thing",
        ),
    ],
    ids=["too old", "broken", "build fails"],
)
def test_go_that_will_not_do(
    script: str,
    complaint: str,
    progress: Progress,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "go").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")

    with pytest.raises(DevError, match=complaint):
        gobuild.build(ETCD, ["etcd"], tmp_path, progress)
