"""Chromium, driven through chromedriver's own HTTP API (W3C WebDriver)."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from imagejob_dev.ports import LOOPBACK, free_ports
from support.conditions import until

from proofs.chromium import NoChromiumError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DRIVER = "chromedriver"
SECONDS = 60.0
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""By which WebDriver's answers name an element."""


class Browser(NamedTuple):
    """One window. Methods raise RuntimeError with what the driver says."""

    port: int
    session: str
    version: str

    def open(self, url: str) -> None:
        """Load a page, and wait until it is there."""
        self._post("url", url=url)

    def type_into(self, selector: str, text: str) -> None:
        """Type into a field, or choose files: their paths, one a line."""
        found = self._post("element", using="css selector", value=selector)
        self._post(f"element/{found[ELEMENT]}/value", text=text)

    def run(self, script: str) -> Any:  # noqa: ANN401 (JSON)
        """What a script returns."""
        return self._post("execute/sync", script=script, args=[])

    def _post(self, path: str, **body: object) -> Any:  # noqa: ANN401 (JSON)
        return _asked(self.port, "POST", f"/session/{self.session}/{path}", body)


@contextmanager
def opened(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own. Raises NoChromiumError."""
    missing = [name for name in ("chromium", DRIVER) if shutil.which(name) is None]
    if missing:
        raise NoChromiumError(
            f"no program `{missing[0]}`: apt-get install chromium chromium-driver"
        )
    (port,) = free_ports(1)
    log = folder / "chromedriver.log"
    driver = subprocess.Popen(
        [DRIVER, f"--port={port}", f"--log-path={log}"], stdout=subprocess.DEVNULL
    )
    try:
        until(lambda: _is_ready(port), SECONDS)
        arguments = [
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            f"--user-data-dir={folder / 'profile'}",
        ]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
        made = _asked(port, "POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        try:
            yield Browser(port, made["sessionId"], made["capabilities"]["browserVersion"])
        finally:
            _asked(port, "DELETE", f"/session/{made['sessionId']}", None)
    finally:
        driver.terminate()
        driver.wait(SECONDS)


def chosen(paths: Sequence[Path]) -> str:
    """What to type into a field for files."""
    return "\n".join(map(str, paths))


def _is_ready(port: int) -> bool:
    try:
        ready: bool = _asked(port, "GET", "/status", None)["ready"]
    except OSError:
        return False
    return ready


def _asked(port: int, method: str, path: str, body: object) -> Any:  # noqa: ANN401 (JSON)
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=SECONDS)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        value = json.loads(connection.getresponse().read())["value"]
    finally:
        connection.close()
    if isinstance(value, dict) and "error" in value:
        raise RuntimeError(f"{value['error']}: {value.get('message', '')[:300]}")
    return value
