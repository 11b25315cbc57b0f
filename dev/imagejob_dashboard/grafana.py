"""Panels laid out as the JSON that Grafana 10 and later import."""

from __future__ import annotations

import json

from . import jobs, platform
from .panel import Json, Panel

ROWS = jobs.ROWS | platform.ROWS
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24


def text() -> str:
    """The dashboard as JSON."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


def dashboard() -> Json:
    """The whole of it."""
    return {
        "title": "ImageJobs",
        "uid": "imagejob-operator",
        "description": "ImageJobs, worker Jobs, quotas, and the operator's health.",
        "tags": ["imagejob"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_datasource(), _namespaces()]},
        "annotations": {"list": [_leader_changes()]},
        "links": [],
        "panels": _panels(),
    }


def _panels() -> list[Json]:
    panels: list[Json] = []
    top = 0
    for title, row in ROWS.items():
        place = {"h": 1, "w": WIDTH, "x": 0, "y": top}
        panels.append(
            {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": place}
        )
        top, left = top + 1, 0
        for panel in row:
            if left + panel.width > WIDTH:
                top, left = top + panel.height, 0
            place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
            panels.append(_panel(panel, place))
            left += panel.width
        top += row[-1].height
    return [{"id": number, **panel} for number, panel in enumerate(panels, start=1)]


def _panel(panel: Panel, place: Json) -> Json:
    custom: Json = {
        "fillOpacity": 25 if panel.stacked else 8,
        "showPoints": "never",
        "lineWidth": 1,
    }
    if panel.stacked:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    series = panel.kind == "timeseries"
    legend = {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]}
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}} if series else {}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": query,
                "legendFormat": legend or "__auto",
                **({"format": "heatmap"} if panel.kind == "heatmap" else {}),
            }
            for index, (legend, query) in enumerate(panel.queries.items())
        ],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                **({"min": 0, "custom": custom} if series else {}),
                **panel.defaults,
            },
            "overrides": [],
        },
        "options": {**options, **panel.options},
    }


def _datasource() -> Json:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
    }


def _namespaces() -> Json:
    query = "label_values(imagejob_quota_used_ratio, namespace)"
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": "namespaces"},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _leader_changes() -> Json:
    return {
        "name": "Leader changes",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "purple",
        "expr": "changes(sum by (instance) (imagejob_leader)[1m:]) > 0",
        "titleFormat": "{{instance}}",
        "step": "60s",
    }
