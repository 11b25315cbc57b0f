"""Plugins as real programs: what they print, when they expire, how they fail."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from imagejob_operator.kube import exec_plugin
from imagejob_operator.kube.credentials import CredentialsError, Token
from imagejob_operator.kube.exec_plugin import Plugin, Variable, from_plugin
from support.conditions import alive, until

if TYPE_CHECKING:
    from pathlib import Path

API = "client.authentication.k8s.io/v1"
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def read(program: str, *args: str, api: str = API) -> Token:
    variables = (Variable("GIVEN", "yes"),)
    plugin = Plugin(sys.executable, api, ("-c", program, *args), variables)
    return asyncio.run(from_plugin(plugin, os.environ, lambda: 1000.0, lambda: NOW)())


def printing(**status: str) -> str:
    credential = {"apiVersion": API, "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(json.dumps(credential))})"


def test_a_token_without_expiry_is_used_until_it_is_rejected() -> None:
    assert read(printing(token="abc")) == Token("Bearer abc")


@pytest.mark.parametrize(
    ("expiry", "until_"),
    [
        ("2026-11-30T13:00:00Z", 1000.0 + 3600 - 60),
        ("2026-11-30T12:00:10Z", 1000.0 + 9),
        ("2026-11-30T11:59:50Z", 1000.0 - 10),
    ],
)
def test_a_token_is_replaced_shortly_before_it_expires(expiry: str, until_: float) -> None:
    assert read(printing(token="abc", expirationTimestamp=expiry)).until == until_


def test_it_has_its_variables_and_is_told_that_nobody_is_there() -> None:
    program = (
        "import json, os\n"
        "info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "assert info['spec'] == {'interactive': False}\n"
        "token = os.environ['GIVEN']\n"
        "print(json.dumps({**info, 'status': {'token': token}}))"
    )

    assert read(program).header == "Bearer yes"


def test_much_that_it_complains_about_does_not_stop_it() -> None:
    program = f"import sys; sys.stderr.write('x' * 200_000); {printing(token='abc')}"

    assert read(program).header == "Bearer abc"


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import sys; sys.exit('no\\nsession')", "ended with 1: no session"),
        ("print('hello')", "printed no ExecCredential"),
        (r"import os; os.write(1, b'{\"status\":{\"token\":\"\xe9\"}}')", "no ExecCredential"),
        (r"print('{\"deep\":' + '[' * 60_000)", "printed no ExecCredential"),
        (printing(token="abc", expirationTimestamp="2026-11-30T13:00:00"), "no ExecCredential"),
        (printing(token="a\nb"), "printed a token with control characters"),
        (printing(), "printed no token"),
        (printing(clientCertificateData="x", clientKeyData="y"), "certificates are not supported"),
        (
            printing(token="abc").replace("/v1", "/v9"),
            "answered in client.authentication.k8s.io/v9",
        ),
    ],
)
def test_a_failure_says_why(program: str, why: str) -> None:
    with pytest.raises(CredentialsError, match=why):
        read(program)


def test_a_plugin_that_is_not_there_is_named() -> None:
    with pytest.raises(CredentialsError, match="cannot run no-such-plugin"):
        asyncio.run(from_plugin(Plugin("no-such-plugin", API))())


def test_a_plugin_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_plugin, "SECONDS", 1.0)
    file = tmp_path / "pid"
    program = "import os, pathlib, sys\npathlib.Path(sys.argv[1]).write_text(str(os.getpid()))\n"

    with pytest.raises(CredentialsError, match="printed nothing within 1 s"):
        read(f"{program}import threading; threading.Event().wait()", str(file))

    until(lambda: not alive(int(file.read_text())))
