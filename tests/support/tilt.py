"""Executes a Tiltfile: the builtins accept what Tilt's do, and record their arguments.

The parameters are those of `internal/tiltfile/api/__init__.py` of tilt-dev/tilt, as far as our
Tiltfile uses them; a misspelt one is a TypeError. `helm` renders the chart with Helm.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import starlark
import yaml

Body = dict[str, Any]
Call = dict[str, Any]

AUTO, MANUAL = "auto", "manual"
FILTERED = "/tests/"
"""Tilt leaves out what Helm renders from here."""


@dataclass
class Tilt:
    """The calls of a Tiltfile in the folder `root`. `helm` gets arguments and returns its output.

    `files` are the paths that it names, `calls` are grouped by builtin.
    """

    root: Path
    helm: Callable[..., str]
    server: str = "v1.36.0"
    bodies: list[Body] = field(default_factory=list)
    calls: dict[str, list[Call]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def run(self, name: str = "Tiltfile") -> None:
        """Execute it. Raises StarlarkError, or what a builtin raises."""
        module = starlark.Module()
        module["TRIGGER_MODE_AUTO"], module["TRIGGER_MODE_MANUAL"] = AUTO, MANUAL
        for builtin in BUILTINS:
            module.add_callable(builtin.__name__, self._bound(builtin))
        dialect = starlark.Dialect.extended()
        dialect.enable_top_level_stmt = True
        parsed = starlark.parse(name, (self.root / name).read_text(), dialect)
        starlark.eval(module, parsed, starlark.Globals.standard())

    def images(self) -> set[str]:
        """References without tags that docker_build builds."""
        return {call["ref"] for call in self.calls["docker_build"]}

    def resources(self, builtin: str) -> dict[str, Call]:
        """Name → the arguments of k8s_resource or local_resource."""
        calls = self.calls[builtin]
        return {
            call.get("new_name") or call.get("workload") or call["name"]: call for call in calls
        }

    def _bound(self, builtin: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *words, **given: builtin(self, *words, **given)

    def note(self, builtin: str, **given: Any) -> None:
        """Record a call."""
        self.calls.setdefault(builtin, []).append(given)

    def uses(self, *paths: str) -> None:
        """Record the paths that the Tiltfile names."""
        self.files.update(paths)


def version_settings(tilt: Tilt, check_updates: bool = True, constraint: str = "") -> None:  # noqa: FBT001, FBT002
    tilt.note("version_settings", check_updates=check_updates, constraint=constraint)


def docker_build(
    tilt: Tilt,
    ref: str,
    context: str,
    *,
    dockerfile: str = "Dockerfile",
    target: str = "",
    only: Sequence[str] = (),
    match_in_env_vars: bool = False,
) -> None:
    tilt.uses(context, dockerfile, *only)
    tilt.note(
        "docker_build", ref=ref, target=target, only=only, match_in_env_vars=match_in_env_vars
    )


def helm(
    tilt: Tilt, chart: str, *, name: str, namespace: str, values: str, kube_version: str
) -> str:
    tilt.uses(chart, values)
    return tilt.helm(
        *("template", name, tilt.root / chart, f"--namespace={namespace}"),
        *(f"--values={tilt.root / values}", f"--kube-version={kube_version}", "--include-crds"),
    )


def local(_tilt: Tilt, command: Sequence[str], *, quiet: bool = False) -> str:
    assert list(command) == ["kubectl", "version", "--output=json"]
    assert quiet
    return json.dumps({"serverVersion": {"gitVersion": _tilt.server}})


def decode_json(_tilt: Tilt, text: str) -> Any:
    return json.loads(text)


def decode_yaml_stream(_tilt: Tilt, text: str) -> list[Body]:
    return json.loads(json.dumps([*_without_tests(text)]))


def read_file(tilt: Tilt, path: str) -> str:
    tilt.uses(path)
    return (tilt.root / path).read_text()


def watch_file(tilt: Tilt, path: str) -> None:
    tilt.uses(path)


def k8s_yaml(tilt: Tilt, given: str | Sequence[str]) -> None:
    """Paths in a list, or YAML as a text."""
    texts = [given] if isinstance(given, str) else [read_file(tilt, path) for path in given]
    tilt.bodies += [body for text in texts for body in _without_tests(text)]


def port_forward(
    _tilt: Tilt, local_port: int, container_port: int, *, name: str = "", link_path: str = ""
) -> Call:
    return {"here": local_port, "there": container_port, "name": name, "path": link_path}


def k8s_resource(
    tilt: Tilt,
    workload: str = "",
    *,
    new_name: str = "",
    objects: Sequence[str] = (),
    port_forwards: Sequence[Call] = (),
    resource_deps: Sequence[str] = (),
    labels: Sequence[str] = (),
) -> None:
    tilt.note(
        "k8s_resource",
        workload=workload,
        new_name=new_name,
        objects=objects,
        port_forwards=port_forwards,
        resource_deps=resource_deps,
        labels=labels,
    )


def local_resource(
    tilt: Tilt,
    name: str,
    cmd: str | Sequence[str],
    *,
    deps: Sequence[str] = (),
    resource_deps: Sequence[str] = (),
    trigger_mode: str = AUTO,
    auto_init: bool = True,
    allow_parallel: bool = False,
    labels: Sequence[str] = (),
) -> None:
    tilt.uses(*deps)
    tilt.note(
        "local_resource",
        name=name,
        cmd=cmd.split() if isinstance(cmd, str) else cmd,
        resource_deps=resource_deps,
        trigger_mode=trigger_mode,
        auto_init=auto_init,
        allow_parallel=allow_parallel,
        labels=labels,
    )


BUILTINS = (
    *(version_settings, docker_build, helm, local, decode_json, decode_yaml_stream, read_file),
    *(watch_file, k8s_yaml, port_forward, k8s_resource, local_resource),
)


def _without_tests(text: str) -> Iterable[Body]:
    for document in text.split("\n---\n"):
        sources = [line for line in document.splitlines() if line.startswith("# Source: ")]
        if not any(FILTERED in line for line in sources):
            yield from (body for body in yaml.safe_load_all(document) if body)
