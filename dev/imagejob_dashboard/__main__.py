"""`python -m imagejob_dashboard` regenerates the chart's dashboard."""

from __future__ import annotations

from pathlib import Path

from .grafana import text

CHART = Path(__file__).resolve().parents[2] / "charts" / "imagejob-operator"
FILE = CHART / "dashboards" / "imagejob.json"

if __name__ == "__main__":
    FILE.write_text(text())
