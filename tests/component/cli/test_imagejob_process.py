"""`imagejob run` as a process: signals, terminals, readers that go away, and the wall."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
import yaml
from support.conditions import alive, until
from support.imagejob_run import job

if TYPE_CHECKING:
    from support.imagejob_run import Desk

UPLOADS = "--store=uploads=photos"


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (signal.SIGINT, 130, "imagejob: interrupted; 0 had ended"),
        (signal.SIGTERM, 143, "imagejob: terminated; 0 had ended"),
        (signal.SIGHUP, 129, ""),
    ],
)
@pytest.mark.parametrize("parallel", [1, 2])
def test_interrupted(
    desk: Desk, number: signal.Signals, code: int, line: str, parallel: int
) -> None:
    desk.photo("cat.jpg", 3000, 2000)
    slow = [{"name": f"a{each}", "width": 2900 - each, "format": "avif"} for each in range(16)]
    jobs = desk.manifest(job("one", "cat.jpg", *slow), job("two", "cat.jpg", *slow))
    with subprocess.Popen(
        desk.command(jobs, UPLOADS, f"--parallel={parallel}"),
        env=desk.environment,
        cwd=desk.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        until(lambda: len([*desk.temporary.glob("*/scratch/*/source")]) == parallel)
        family = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, number)  # as a terminal does
        out, err = process.communicate(timeout=20)

    assert (process.returncode, out, err.strip()) == (code, "", line)
    assert family
    until(lambda: not any(alive(each.pid) for each in family))
    assert list(desk.temporary.iterdir()) == []
    assert not (desk.photos / "derived").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_has_ended_is_shown(desk: Desk, number: signal.Signals, code: int) -> None:
    desk.photo("cat.jpg")
    desk.photo("large.jpg", 3000, 2000)
    slow = [{"name": f"a{each}", "width": 2900 - each, "format": "avif"} for each in range(16)]
    jobs = desk.manifest(job("cat", "cat.jpg"), job("slow", "large.jpg", *slow))
    with subprocess.Popen(
        desk.command(jobs, UPLOADS, "--parallel=1"),
        env=desk.environment,
        cwd=desk.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        first = process.stderr.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)

    assert first.startswith("[1/2] cat: Succeeded")
    assert (process.returncode, "; 1 had ended" in err) == (code, True)
    (shown,) = yaml.safe_load_all(out)
    assert (shown["metadata"]["name"], shown["status"]["phase"]) == ("cat", "Succeeded")


def test_on_a_terminal(desk: Desk) -> None:
    desk.photo("cat.jpg", 2000, 1500)
    jobs = desk.manifest(job("cat", "cat.jpg"), job("lost", "nobody.jpg"))
    ours, theirs = os.openpty()
    with subprocess.Popen(
        desk.command(jobs, UPLOADS),
        env=desk.environment | {"COLUMNS": "120"},
        cwd=desk.root,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = "".join(iter(lambda: read_terminal(ours), ""))
    os.close(ours)

    assert process.returncode == 1
    assert re.search(r"ImageJobs .*━.* 1/2", shown)
    after = shown.rsplit("\x1b[2K", 1)[1]  # the progress bars are erased, and the table remains
    assert "NAME" in after
    assert "SourceNotFound" in after
    assert "━" not in after


def read_terminal(descriptor: int) -> str:
    """The available output; empty once the other side has closed, an error on Linux."""
    try:
        return os.read(descriptor, 65536).decode(errors="replace")
    except OSError:
        return ""


def test_nobody_reads_on(desk: Desk) -> None:
    desk.photo("cat.jpg")
    jobs = desk.manifest(job("cat", "cat.jpg"))
    with subprocess.Popen(
        desk.command(jobs, UPLOADS, "--quiet"),
        env=desk.environment,
        cwd=desk.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (1, b"")


TAKEN_OVER = """
import os, sys
from imagejob_cli.__main__ import main
from imagejob_worker import runner
runner._pipeline = lambda order: lambda request: lambda decoded: os.kill(os.getppid(), 9)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("count", [1, 2])
def test_a_decoder_that_was_taken_over_is_behind_the_wall_here_too(desk: Desk, count: int) -> None:
    desk.photo("cat.jpg")
    jobs = desk.manifest(*[job(f"cat-{number}", "cat.jpg") for number in range(count)])

    ended = subprocess.run(
        [sys.executable, "-c", TAKEN_OVER, "run", jobs, UPLOADS],
        env=desk.environment,
        cwd=desk.root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    statuses = [each["status"] for each in yaml.safe_load_all(ended.stdout)]
    assert [status["phase"] for status in statuses] == ["Failed"] * count
    assert all("SIGSYS" in str(status["conditions"]) for status in statuses)
