"""The wall's list of system calls is what decoding and encoding were seen to need, and no longer.

Real workers whose children's calls are recorded (tests/support/syscall_recorder.py), with every
format in and out, in sizes for which codecs start threads, and with faults. To add a format or a
library, add images here: what the list lacks is named.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from imagejob_worker.sandbox.syscall_filter import ALLOW, ALLOWED, CHECKED, KILL, assemble
from imagejob_worker.sandbox.syscall_numbers import machine
from PIL import Image
from support import syscall_recorder, worker_process
from support.bpf import verdict
from support.specimens import coloured_others, films, icc, jpeg, png, spaces, tiff, webp
from support.worker_process import Workplace

UNSEEN = {
    "writev": "the C library's, to say why it aborts",
    "restart_syscall": "a wait goes on with it after SIGSTOP",
    "clock_gettime": "where the clock is not mapped into the process",
    "clock_getres": "the same",
    "gettimeofday": "the same",
    "getrandom": "malloc() of glibc 2.36 and newer, for its thread caches",
    "sysinfo": "qsort() of a large array, before glibc 2.37",
    "mremap": "realloc() of a large block",
}
"""Calls on the list that no test needs on this machine, and who needs them elsewhere."""

BATCH = 6  # with so many outputs each, more have no room in a report
OUTPUTS: list[dict[str, Any]] = [
    {"name": "jpeg", "format": "jpeg", "width": 200, "progressive": True},
    {"name": "png", "format": "png", "width": 200},
    {"name": "webp", "format": "webp", "width": 200},
    {"name": "lossless", "format": "webp", "width": 40, "lossless": True},
    {"name": "avif", "format": "avif", "width": 200},
    {"name": "auto", "maxBytes": 9_000, "width": 200},
    {"name": "smart", "gravity": "smart", "fit": "cover", "width": 50, "height": 90},
    {"name": "padded", "fit": "contain", "width": 90, "height": 90, "background": "#8090a0"},
    {"name": "moving", "format": "webp", "animated": True, "width": 64},
    {"name": "film", "format": "avif", "animated": True, "width": 64},
]


class Call(NamedTuple):
    """One recorded call, and what the wall's program says to it."""

    name: str
    arguments: tuple[int, ...]
    path: str
    verdict: int


def encoded(image: Image.Image, name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def sources() -> dict[str, bytes]:
    photo = Image.effect_noise((800, 600), 60).convert("RGB")
    sizes = {"small": photo.resize((9, 7)), "photo": photo, "large": photo.resize((2000, 1500))}
    frames = [photo.resize((64, 48)).rotate(turn) for turn in (0, 90, 180)]
    found = {
        f"{name}-{size}": encoded(image, name)
        for name in ("jpeg", "png", "webp", "avif", "gif", "tiff")
        for size, image in sizes.items()
    }
    found |= {
        f"film-{name}": encoded(frames[0], name, save_all=True, append_images=frames[1:])
        for name in ("png", "webp", "gif", "avif")
    }
    found |= {
        "stuffed-jpeg": jpeg.stuffed(photo, icc.display_p3()),
        "stuffed-png": png.stuffed(photo, icc.adobe_rgb()),
        "stuffed-webp": webp.stuffed(photo, icc.display_p3()),
        "stuffed-gif": films.stuffed_gif(frames, b""),
        "stuffed-tiff": tiff.encode(photo.convert("L"), profile=icc.grey()),
        "palette": encoded(photo.quantize(64), "png"),
        "cmyk": encoded(photo.convert("CMYK"), "jpeg"),
        "clear": encoded(photo.convert("RGBA").resize((90, 90)), "png"),
        "tiff-lzw": encoded(photo, "tiff", compression="tiff_lzw"),
        "tiff-jpeg": encoded(photo, "tiff", compression="jpeg"),
    }
    adobe = [case for case in coloured_others.by_exif() if case.space is spaces.ADOBE_RGB]
    found |= {f"colours-{case.format}": case.data for case in adobe}
    found |= {f"cut-{name}": data[: len(data) * 2 // 3] for name, data in [*found.items()]}
    return found | {"abort": found["jpeg-small"], "traceback": found["jpeg-small"]}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> set[Call]:
    """What the children of some workers called: of large and single orders, and of tight ones."""
    root = tmp_path_factory.mktemp("recorded")
    images = sources()
    keys = list(images)
    place = Workplace(root / "pod")
    for key, data in images.items():
        place.put("box", key, data)
    batches = [keys[at : at + BATCH] for at in range(0, len(keys), BATCH)]
    batches += [[key] for key in ("jpeg-photo", "webp-large", "avif-photo", "traceback")]
    calls: set[Call] = set()
    for number, batch in enumerate(batches):
        calls |= run(place, batch, root / f"calls-{number}", 384 << 20)
    return calls | run(place, ["jpeg-large", "avif-large"], root / "calls-tight", 24 << 20)


def run(place: Workplace, keys: list[str], file: Path, memory: int) -> set[Call]:
    items = [worker_process.item(key, OUTPUTS) for key in keys]
    order = worker_process.order(items, childMemoryBytes=memory)
    result = place.run(order, program=[syscall_recorder.__file__, str(file)])
    assert result.exit_code == 0, result.log
    assert None not in result.ended, result.log
    here = machine()
    assert here
    names, program = {number: name for name, number in here.calls.items()}, assemble(here)
    found = set()
    for line in file.read_text().splitlines():
        number, arguments, path = json.loads(line)
        said = verdict(program, here.audit, number, arguments)
        found.add(Call(names.get(number, str(number)), tuple(arguments), path, said))
    return found


def test_nothing_that_is_needed_kills(recorded: set[Call]) -> None:
    killed = [call for call in recorded if call.verdict == KILL]

    assert killed == []


def test_what_is_refused_can_be_done_without(recorded: set[Call]) -> None:
    refused = {call.name for call in recorded if call.verdict not in (KILL, ALLOW)}

    assert refused == {"ioctl", "newfstatat", "openat"}
    # A traceback looks for source files; no import and no codec looks for anything.
    looked_for = {call.path for call in recorded if call.name in ("openat", "newfstatat")}
    assert {Path(path).suffix for path in looked_for - {"", "<unknown>"}} == {".py"}


def test_the_list_has_nothing_that_is_not_needed(recorded: set[Call]) -> None:
    needed = {call.name for call in recorded if call.verdict == ALLOW}

    assert {*ALLOWED, *CHECKED} - needed <= UNSEEN.keys()
