"""Types that a worker's threads decode are prepared before the threads start.

msgspec 0.22 inspects a Struct when it is first decoded, and crashes if two threads do so at once.
The names that it would look up are broken here, so that a late inspection is an error.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

SPOIL = """
import sys, types
from imagejob_worker.contract import facts
from imagejob_worker.sandbox import boundary, ipc
for name in ("sandbox.boundary", "contract.facts", "sandbox.ipc"):
    spoilt = types.ModuleType(name)
    spoilt.__dict__.update(dict.fromkeys(("int", "bool", "bytes", "str", "float"), "nonsense"))
    sys.modules["imagejob_worker." + name] = spoilt
"""
ENDED = """
import os
read, write = os.pipe()
ipc.send(write, [0, False, b"said", 5])
assert ipc.receive(read, ipc.EXIT) == ipc.Exit(0, False, b"said", 5)
"""
ANSWER = """
import msgspec
failure = msgspec.msgpack.encode([2, "UnsupportedFormat", "it is none", None])
try:
    boundary.judge_result(ipc.Exit(0, False, failure), 1)
except boundary.ChildFailedError as error:
    assert error.reason == "UnsupportedFormat"
"""


LATE = """
import msgspec
msgspec.msgpack.Decoder(facts.SourceFacts)
"""


@pytest.mark.parametrize("use", [ENDED, ANSWER], ids=["end", "answer"])
def test_what_threads_read_is_known_before(use: str) -> None:
    run(SPOIL + use)


def test_looking_late_is_seen() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(SPOIL + LATE)


def run(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
