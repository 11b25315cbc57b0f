"""Figures that were shown once, with what they were shown of."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from imagebench.machine import machine

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORDS = Path(__file__).resolve().parents[1] / "records"


def commit() -> str:
    """That is checked out; with a + if files differ from it."""
    here = Path(__file__).parent
    asked = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    done = subprocess.run(asked, cwd=here, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def write(file: Path, figures: Mapping[str, object]) -> None:
    """As JSON, a line a figure."""
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = {"commit": commit(), "machine": machine(), **figures}
    file.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
