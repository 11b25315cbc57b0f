"""The node: kwok, which says of every pod that it ran and ended well, at once.

A worker's pod ends with a report, for the operator reads it, decodes it and writes what it says. Go
templates can't make one, but they can count the order's items, and all items here come to the same:
there is one report for each count, made beforehand.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.contract import report

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "kwok"
LEASE_SECONDS = 40  # shorter, and a busy machine's node looks dead now and then
STAGES = Path(__file__).with_name("stages.yaml")

NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME}}

ENTRY = report.Done(
    source=report.SourceFacts(1, 2000, 1500, 1, 812_345, bytes(range(32))),
    millis=87,
    removed=int(report.Removed.EXIF | report.Removed.GPS),
    notes=0,
    outputs=(report.Made(3, 320, 240, 14_321, bytes(range(32, 64))),),
)
"""A photo of 3 MP that became one WebP picture."""


def message(items: int) -> str:
    """The termination message of a worker that has done `items` ImageJobs of one output each."""
    packed = msgspec.msgpack.encode([ENTRY] * items)
    return report.PREFIX + base64.b85encode(packed).decode()


def configure(file: Path) -> Path:
    """Write what kwok is to do."""
    reports = ['""', *(f'"{message(count)}"' for count in range(1, MAX_BATCH + 1))]
    file.write_text(STAGES.read_text().replace("@REPORTS@", " ".join(reports)))
    return file


def command(programs: Mapping[str, Path], kubeconfig: Path, stages: Path) -> list[str | Path]:
    """kwok as the kubelet of every node."""
    return [
        *(programs["kwok"], f"--kubeconfig={kubeconfig}", f"--config={stages}"),
        *("--manage-all-nodes=true", f"--node-lease-duration-seconds={LEASE_SECONDS}"),
    ]
