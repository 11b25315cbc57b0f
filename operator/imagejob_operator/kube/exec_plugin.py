"""Credential plugins: the programs that a kubeconfig names under `exec`.

kubernetes.aio runs a plugin once, without a timeout, and never again when the token has expired.
"""

from __future__ import annotations

import asyncio
import os
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

import msgspec

from .clock import utc_now
from .credentials import CredentialsError, Read, Token

SECONDS = 60.0
"""The timeout of a plugin."""

SKEW_SECONDS, SKEW_SHARE = 60.0, 0.1
"""How long before its expiry a token is replaced, and the maximum as a share of its lifetime."""

MESSAGE = 300
"""Characters kept of what a failed plugin printed."""


class Variable(msgspec.Struct, frozen=True):
    """An environment variable of the plugin."""

    name: str
    value: str


class Plugin(msgspec.Struct, frozen=True, rename="camel"):
    """The section `exec` of a kubeconfig's user, as far as it matters without a terminal."""

    command: str
    api_version: str
    args: tuple[str, ...] | None = None
    env: tuple[Variable, ...] | None = None


class _Status(msgspec.Struct, rename="camel"):
    token: str = ""
    expiration_timestamp: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _Credential(msgspec.Struct, rename="camel"):
    """An ExecCredential as the plugin prints it."""

    status: _Status
    api_version: str


def from_plugin(
    plugin: Plugin,
    environment: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = utc_now,
) -> Read:
    """Read a token from a plugin. Client certificates are not supported."""

    async def read() -> Token:
        status = _status(plugin, await _run(plugin, environment))
        header, expiry = f"Bearer {status.token}", status.expiration_timestamp
        if expiry is None:
            return Token(header)
        left = (expiry - now()).total_seconds()
        return Token(header, clock() + left - min(SKEW_SECONDS, max(0.0, SKEW_SHARE * left)))

    return read


def _status(plugin: Plugin, printed: bytes) -> _Status:
    """Return what the plugin printed, which has a token. Raises CredentialsError."""
    command = plugin.command
    try:
        credential = msgspec.json.decode(printed, type=_Credential)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise CredentialsError(f"{command} printed no ExecCredential: {error}") from error
    if credential.api_version != plugin.api_version:
        raise CredentialsError(
            f"{command} answered in {credential.api_version}, not {plugin.api_version}"
        )
    token = credential.status.token
    if not token:
        raise CredentialsError(f"{command} printed no token: certificates are not supported")
    if not token.isprintable():  # aiohttp rejects such a header
        raise CredentialsError(f"{command} printed a token with control characters")
    return credential.status


async def _run(plugin: Plugin, environment: Mapping[str, str]) -> bytes:
    """Return what the plugin prints. Raises CredentialsError."""
    info = {
        "apiVersion": plugin.api_version,
        "kind": "ExecCredential",
        "spec": {"interactive": False},
    }
    variables = {each.name: each.value for each in plugin.env or ()}
    variables["KUBERNETES_EXEC_INFO"] = msgspec.json.encode(info).decode()
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *(plugin.args or ()),
            env={**environment, **variables},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
    except OSError as error:
        raise CredentialsError(f"cannot run {plugin.command}: {error}") from error
    printed, complaint = await _wait(process, plugin.command)
    if process.returncode:
        said = " ".join(complaint.decode(errors="replace").split())[:MESSAGE]
        raise CredentialsError(f"{plugin.command} ended with {process.returncode}: {said}")
    return printed


async def _wait(process: Process, command: str) -> tuple[bytes, bytes]:
    """Return both outputs once the process has ended; kill it if it is late or not needed."""
    try:
        async with asyncio.timeout(SECONDS):
            return await process.communicate()
    except TimeoutError:
        raise CredentialsError(f"{command} printed nothing within {SECONDS:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
