"""The frames of animations as Chromium composes them, by its ImageDecoder (WebCodecs)."""

from __future__ import annotations

import base64
import json
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from proofs.chromium import command

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 300

PAGE = """<!doctype html><script type="module">
async function frames({kind, data}) {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const decoder = new ImageDecoder({data: bytes, type: kind, colorSpaceConversion: "none"});
  await decoder.tracks.ready;
  await decoder.completed;
  const found = [], track = decoder.tracks.selectedTrack;
  for (let frameIndex = 0; frameIndex < track.frameCount; frameIndex++) {
    const {image} = await decoder.decode({frameIndex, completeFramesOnly: true});
    const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
    const context = canvas.getContext("2d", {willReadFrequently: true});
    context.drawImage(image, 0, 0);
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
    found.push({milliseconds: (image.duration ?? 0) / 1000, pixels: Array.from(data)});
    image.close();
  }
  return found;
}
const films = await (await fetch("/films")).json(), found = [];
for (const film of films) found.push(await frames(film).catch(() => null));
await fetch("/found", {method: "POST", body: JSON.stringify(found)});
</script>"""

Pixel = tuple[int, int, int, int]


class Shown(NamedTuple):
    """One frame: the whole canvas, row by row."""

    milliseconds: float
    pixels: list[Pixel]


def shown(films: Sequence[tuple[str, bytes]]) -> list[list[Shown] | None]:
    """The frames of each file, given with its media type; None if it can't be decoded whole.

    Raises queue.Empty if Chromium doesn't answer in time.
    """
    answers: Queue[bytes] = Queue()
    asked = [{"kind": kind, "data": base64.b64encode(data).decode()} for kind, data in films]
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(json.dumps(asked).encode(), answers))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        answer = _answered(f"http://127.0.0.1:{server.server_port}/", answers)
    finally:
        server.shutdown()
        server.server_close()
    return [frames and [_frame(frame) for frame in frames] for frames in json.loads(answer)]


def _frame(frame: dict[str, Any]) -> Shown:
    samples = frame["pixels"]
    pixels = zip(samples[0::4], samples[1::4], samples[2::4], samples[3::4], strict=True)
    return Shown(frame["milliseconds"], [*pixels])


def _answered(page: str, answers: Queue[bytes]) -> bytes:
    with TemporaryDirectory(prefix="proof-films-", ignore_cleanup_errors=True) as folder:
        program = command(Path(folder), page)
        quiet = subprocess.DEVNULL
        with subprocess.Popen(program, stdout=quiet, stderr=quiet) as browser:
            try:
                return answers.get(timeout=SECONDS)
            finally:
                browser.terminate()


def _handler(films: bytes, answers: Queue[bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_page = self.path == "/"
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if is_page else "application/json")
            self.end_headers()
            self.wfile.write(PAGE.encode() if is_page else films)

        def do_POST(self) -> None:
            answers.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
