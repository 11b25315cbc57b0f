"""What the threads of a worker read is known before there are any.

msgspec 0.22 looks into a Struct when it is first decoded, and crashes where two threads do so at
once. The names that it would look for are spoilt here, so that looking late is an error.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

SPOIL = """
import sys, types
from imagejob_worker.sandbox import boundary as answer
from imagejob_worker.contract import facts
from imagejob_worker.sandbox import fork_server as lane
for name in ("sandbox.boundary", "contract.facts", "sandbox.fork_server"):
    spoilt = types.ModuleType(name)
    spoilt.__dict__.update(dict.fromkeys(("int", "bool", "bytes", "str", "float"), "nonsense"))
    sys.modules["imagejob_worker." + name] = spoilt
"""
ENDED = """
import msgspec, os
read, write = os.pipe()
lane.send(write, msgspec.msgpack.encode([0, False, b"said", 5]))
assert lane.receive(read, lane.ENDED) == answer.Ended(0, False, b"said", 5)
"""
ANSWER = """
import msgspec
refusal = msgspec.msgpack.encode([2, "UnsupportedFormat", "it is none", None])
try:
    answer.take(answer.Ended(0, False, refusal), 1)
except answer.RefusedError as error:
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
