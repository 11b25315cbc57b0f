"""One panel of a dashboard, and the kinds of panel that recur."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

RATE = "$__rate_interval"
NAMESPACE = 'namespace=~"$namespace"'

Json = dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """One panel. `queries` go by their legend; `width` of 24, `height` in Grafana's rows."""

    title: str
    text: str
    queries: dict[str, str]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    height: int = 8
    stacked: bool = False
    options: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)


def quantiles(metric: str) -> dict[str, str]:
    """Of a histogram: its median, and what the slowest tenth and hundredth take at least."""
    of = f"sum by (le) (rate(imagejob_{metric}_bucket[{RATE}]))"
    return {f"p{part * 100:g}": f"histogram_quantile({part}, {of})" for part in (0.5, 0.9, 0.99)}


def stat(
    title: str, text: str, query: str, unit: str = "short", colours: Json | None = None
) -> Panel:
    options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area"}
    return Panel(
        title,
        text,
        {"": query},
        unit,
        "stat",
        4,
        4,
        options=options,
        defaults=colours or {},
    )


def steps(*pairs: tuple[float | None, str]) -> Json:
    """Colours from values on."""
    marks = [{"value": value, "color": color} for value, color in pairs]
    return {"thresholds": {"mode": "absolute", "steps": marks}, "color": {"mode": "thresholds"}}


FULL = steps((None, "green"), (0.8, "orange"), (1, "red"))
"""Of what has a limit."""
