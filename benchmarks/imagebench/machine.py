"""What the benchmarks have in common: where they write, how they end, what they ran on."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

MET, MISSED, CANNOT = 0, 1, 2
"""Exit codes."""

BUILD = Path(__file__).resolve().parents[2] / "build" / "benchmarks"


def machine() -> str:
    """Python, the system, the processors that we may use, and how busy they are at the moment."""
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    models = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    processor = models[0] if models else platform.machine()
    return (
        f"Python {platform.python_version()}, {platform.platform()}, "
        f"{len(os.sched_getaffinity(0))} CPUs ({processor}), load {load}"
    )
