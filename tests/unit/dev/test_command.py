"""A program of the dev tools, run to its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from imagejob_dev import command
from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from pathlib import Path


def test_what_it_prints_is_returned(tmp_path: Path) -> None:
    assert command.run(["cat"], tmp_path, stdin="one\ntwo\n") == "one\ntwo\n"


def test_a_failure_shows_the_command_its_code_and_its_output(tmp_path: Path) -> None:
    with pytest.raises(DevError) as failure:
        command.run(["/bin/sh", "-c", "echo half; echo no more >&2; exit 3"], tmp_path)

    told = "sh -c 'echo half; echo no more >&2; exit 3' ended with 3: no more\nhalf"
    assert str(failure.value) == told


def test_nothing_of_the_caller_s_environment_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody's")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    found = command.run(["env"], tmp_path)

    expected = {f"HOME={tmp_path}", f"KUBECONFIG={os.devnull}", f"PATH={os.defpath}"}
    assert set(found.splitlines()) == expected


def test_what_is_given_is_there(tmp_path: Path) -> None:
    path = f"{tmp_path}:{os.defpath}"

    found = command.run(["env"], tmp_path, tmp_path / "kubeconfig", path=path)

    expected = {f"HOME={tmp_path}", f"KUBECONFIG={tmp_path / 'kubeconfig'}", f"PATH={path}"}
    assert set(found.splitlines()) == expected
