"""Programs that the harness starts: ready, late, dead, stopped; and the guard behind them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from imagejob_dev import program
from imagejob_dev.errors import DevError
from imagejob_dev.guard import Guard
from imagejob_dev.ports import free_ports
from imagejob_dev.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 10.0

OWNER = """
import sys
from imagejob_dev.guard import Guard
import subprocess
guard = Guard()
for _ in range(2):
    child = subprocess.Popen(["sh", "-c", "sleep 1000 & wait"], start_new_session=True)
    guard.watch(child.pid)
    print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


def test_starts_and_stops(guard: Guard, tmp_path: Path) -> None:
    log = tmp_path / "subject.log"
    subject = Program(
        ["sh", "-c", "echo here I am; exec sleep 1000"],
        log,
        guard,
        ready=lambda: log.read_text() == "here I am\n",
        grace=SECONDS,
    )

    subject.start()
    process = psutil.Process(subject.pid)
    subject.stop()

    assert not process.is_running()
    assert not subject.running
    assert not subject.died


def test_start_again(guard: Guard, tmp_path: Path) -> None:
    subject = Program(["sleep", "1000"], tmp_path / "subject.log", guard, ready=lambda: True)
    subject.start()
    first = subject.pid

    subject.stop()
    subject.start()

    assert subject.running
    assert subject.pid != first
    subject.stop()


def test_it_runs_within_a_with_block(guard: Guard, tmp_path: Path) -> None:
    subject = Program(["sleep", "1000"], tmp_path / "subject.log", guard, ready=lambda: True)

    with subject as entered:
        assert entered.running

    assert not subject.running


def test_what_is_never_ready_is_stopped(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "READY_SECONDS", 0.1)
    subject = Program(["sleep", "1000"], tmp_path / "subject.log", guard, ready=lambda: False)

    with pytest.raises(DevError, match="subject was not ready within"), subject:
        pytest.fail("it was entered")

    assert not subject.running


def test_death_before_ready_shows_the_log(guard: Guard, tmp_path: Path) -> None:
    log = tmp_path / "subject.log"
    subject = Program(["sh", "-c", "echo no; exit 1"], log, guard, ready=lambda: False)

    with pytest.raises(DevError, match=r"(?s)subject ended before it was ready.*\nno$"):
        subject.start()

    assert subject.died
    subject.stop()


def test_lateness_shows_the_log(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "READY_SECONDS", 0.1)
    subject = Program(["sleep", "1000"], tmp_path / "subject.log", guard, ready=lambda: False)

    with pytest.raises(DevError, match="subject was not ready within"):
        subject.start()

    subject.stop()


def test_nothing_of_our_environment_is_passed_on(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "x")
    log = tmp_path / "subject.log"
    subject = Program(
        ["sh", "-c", "env; echo end; exec sleep 1000"],
        log,
        guard,
        ready=lambda: log.read_text().endswith("end\n"),
        environment={"OWN": "value"},
    )

    subject.start()
    subject.stop()

    assert "OWN=value" in log.read_text()
    assert "SECRET_OF_THE_PARENT" not in log.read_text()


def test_guard_ends_what_a_killed_owner_leaves() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        left = [psutil.Process(int(owner.stdout.readline())) for _ in range(2)]
        owner.kill()

    _, alive = psutil.wait_procs(left, timeout=SECONDS)

    assert alive == []


def test_guard_forgets_what_its_owner_reaped(guard: Guard) -> None:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as kept:
        guard.watch(kept.pid)
        guard.forget(kept.pid)
        guard.close()

        assert kept.poll() is None
        kept.kill()


def test_free_ports_differ() -> None:
    ports = free_ports(6)

    assert len(set(ports)) == 6
    assert all(20000 <= port < 32000 for port in ports)
