"""The demo as a person runs it: it ends well and leaves its cluster running, or leaves nothing."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
from imagejob_dev import state
from PIL import Image

DEMO = (sys.executable, "-u", "-m", "imagejob_demo")
SECONDS = 240


def start(folder: Path) -> subprocess.Popen[str]:
    """Start it in its own session, as a terminal would: signals reach it and not this process."""
    return subprocess.Popen(
        [*DEMO, "--dir", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(demo: subprocess.Popen[str], text: str) -> None:
    assert demo.stdout
    said = []
    for line in demo.stdout:
        said.append(line)
        if text in line:
            return
    raise AssertionError(f"it never said {text!r}: {''.join(said)}")


def running_in(folder: Path) -> list[list[str]]:
    """The commands of all processes that involve `folder`."""
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if any(str(folder) in part for part in command)]


def test_all_twelve_end_as_they_must_and_the_cluster_stays_up(tmp_path: Path) -> None:
    demo = start(tmp_path)
    said, _ = demo.communicate(timeout=SECONDS)

    try:
        assert demo.returncode == 0, said
        assert "All 12 ended as they must" in said
        with Image.open(tmp_path / "contact-sheet.png") as sheet:
            assert sheet.width > 1000
        assert_an_upload_by_curl_has_its_outputs(said)
        assert_the_operator_ends_with_its_cluster(tmp_path)
    finally:
        subprocess.run([*DEMO, "down", "--dir", tmp_path], check=True, timeout=SECONDS)
    assert running_in(tmp_path) == []
    assert not (tmp_path / "cluster").exists()


def assert_an_upload_by_curl_has_its_outputs(said: str) -> None:
    """The demo has printed the command, and where the store has what came of it."""
    _, _, after = said.partition("$ curl ")
    urls = dict(re.findall(r"^  (\w+) +(http://\S+X-Amz-Signature\S+)$", after, re.MULTILINE))
    assert urls.keys() == {"thumb", "phone", "full"}
    for url in urls.values():
        with urllib.request.urlopen(url) as found:  # noqa: S310 (it is http, see above)
            Image.open(io.BytesIO(found.read())).load()


def assert_the_operator_ends_with_its_cluster(folder: Path) -> None:
    cluster = state.read(folder / "cluster")
    assert cluster
    keeper = psutil.Process(int((folder / "keeper.pid").read_text()))
    operators = keeper.children()
    assert operators

    psutil.Process(cluster.supervisor).kill()

    _, alive = psutil.wait_procs([keeper, *operators], timeout=30)
    assert alive == []


def test_ctrl_c_stops_all_that_was_started(tmp_path: Path) -> None:
    demo = start(tmp_path)
    read_until(demo, "bad-uploads.yaml")  # everything runs, and the ImageJobs are being applied

    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=SECONDS)

    assert demo.returncode == 130
    assert running_in(tmp_path) == []
    assert not (tmp_path / "cluster").exists()
