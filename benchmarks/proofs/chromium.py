"""What Chromium shows of images: their pixels on a canvas that is in sRGB."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 120

# An image that can't be shown has no width.
SCRIPT = """
window.onload = () => {
  const found = [...document.images].map(image => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    if (!canvas.width) return null;
    const context = canvas.getContext('2d', {colorSpace: 'srgb', willReadFrequently: true});
    context.drawImage(image, 0, 0);
    const row = context.getImageData(0, canvas.height >> 1, canvas.width, 1).data;
    return Array.from(row);
  });
  document.body.innerHTML = '<pre>' + JSON.stringify(found) + '<' + '/pre>';
};
"""

Pixel = tuple[int, int, int, int]


class NoChromiumError(Exception):
    """There is none, or it doesn't run."""


def version() -> str:
    """As it says itself. Raises NoChromiumError."""
    program = shutil.which("chromium")
    if program is None:
        raise NoChromiumError("no program `chromium`: apt-get install chromium")
    asked = [program, "--version"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def command(profile: Path, *arguments: str) -> list[str]:
    """What starts it without a window, with a profile of its own, for a screen in sRGB."""
    return [
        "chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
        "--force-color-profile=srgb", f"--user-data-dir={profile}", *arguments,
    ]  # fmt: skip


def middle_rows(images: Mapping[str, tuple[str, bytes]]) -> dict[str, list[Pixel] | None]:
    """The pixels of each image's middle row; None where it shows no image.

    `images` are media types and files by name. Raises NoChromiumError.
    """
    tags = (
        f'<img src="data:{kind};base64,{base64.b64encode(data).decode()}">'
        for kind, data in images.values()
    )
    page = f"<!doctype html><body>{''.join(tags)}<script>{SCRIPT}</script>"
    rows = json.loads(_dumped(page))
    return {
        name: None if row is None else [tuple(row[at : at + 4]) for at in range(0, len(row), 4)]
        for name, row in zip(images, rows, strict=True)
    }


def _dumped(page: str) -> str:
    with TemporaryDirectory(prefix="proof-colours-") as name:
        file = Path(name) / "page.html"
        file.write_text(page)
        shown = (f"--timeout={SECONDS * 500}", "--dump-dom", file.as_uri())
        asked = command(Path(name) / "profile", *shown)
        done = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS, check=False)
    found = re.search(r"<pre>(.*)</pre>", html.unescape(done.stdout), re.DOTALL)
    if found is None:
        raise NoChromiumError(f"it shows no page: {done.stderr[-300:]}")
    return found[1]
