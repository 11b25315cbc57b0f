"""What namespaces use, and how the operator and the API server fare."""

from __future__ import annotations

from .panel import FULL, NAMESPACE, RATE, Panel


def _fullest(count: int, of: str, by: str = "namespace") -> str:
    """Limit a graph to so many namespaces: one of two hundred lines shows nothing."""
    return f"topk({count}, max by ({by}) (imagejob_quota_{of}{{{NAMESPACE}}}))"


ROWS: dict[str, tuple[Panel, ...]] = {
    "Quota": (
        Panel(
            "Used of the limit",
            "By namespace and window, the 20 fullest. Those without own series are _others.",
            {"{{namespace}} per {{window}}": _fullest(20, "used_ratio", "namespace, window")},
            "percentunit",
            defaults={"min": 0, **FULL, "color": {"mode": "palette-classic"}},
        ),
        Panel(
            "Wait for their quota",
            "ImageJobs, of the 20 namespaces with the most.",
            {"{{namespace}}": _fullest(20, "waiting")},
            stacked=True,
        ),
        Panel(
            "In workers",
            "ImageJobs, of the 20 namespaces with the most.",
            {"{{namespace}}": _fullest(20, "running")},
            stacked=True,
        ),
        Panel(
            "Fullest namespaces",
            "Used of the limit, now.",
            {"{{namespace}} per {{window}}": _fullest(10, "used_ratio", "namespace, window")},
            "percentunit",
            "bargauge",
            12,
            options={"orientation": "horizontal", "reduceOptions": {"calcs": ["lastNotNull"]}},
            defaults={"min": 0, "max": 1, **FULL},
        ),
        Panel(
            "Admitted in the window, and the limit",
            "Of few namespaces. After a limit was lowered, more may be used than it allows.",
            {
                "{{namespace}} used per {{window}}": _fullest(10, "used", "namespace, window"),
                "{{namespace}} limit per {{window}}": _fullest(10, "limit", "namespace, window"),
            },
            width=12,
        ),
    ),
    "API server": (
        Panel(
            "Requests",
            "A second, by verb; kopf's watches excepted.",
            {"{{verb}}": f"sum by (verb) (rate(imagejob_api_requests_total[{RATE}]))"},
            "reqps",
            width=6,
        ),
        Panel(
            "Answers that are no success",
            "A second. 409 is ordinary: somebody else was there first.",
            {
                "{{code}}": "sum by (code) "
                f'(rate(imagejob_api_requests_total{{code!~"2.."}}[{RATE}]))',
                "asked to wait": f"sum(rate(imagejob_api_throttled_total[{RATE}]))",
            },
            "reqps",
            width=6,
        ),
        Panel(
            "How long it takes",
            "99 of 100 answers came within.",
            {
                "{{verb}}": "histogram_quantile(0.99, sum by (le, verb) "
                f"(rate(imagejob_api_request_duration_seconds_bucket[{RATE}])))"
            },
            "s",
            width=6,
        ),
        Panel(
            "Pace",
            "How many actions may be under way at once, and how many are.",
            {
                "limit": "max(imagejob_api_write_limit)",
                "under way": "max(imagejob_workqueue_in_progress)",
                "paused for, s": "max(imagejob_api_pause_seconds)",
            },
            width=6,
        ),
        Panel(
            "Actions that wait for room",
            "Work brings ImageJobs on; news and refresh only tell where they stand.",
            {"{{priority}}": "sum by (priority) (imagejob_workqueue_depth)"},
            width=6,
        ),
        Panel(
            "How long the first of them has",
            "Work should wait for seconds at most.",
            {"{{priority}}": "max by (priority) (imagejob_workqueue_oldest_seconds)"},
            "s",
            width=6,
        ),
        Panel(
            "From the watches",
            "Events a second. LISTED: a watch has begun anew.",
            {"{{type}}": f"sum by (type) (rate(imagejob_watch_events_total[{RATE}]))"},
            "ops",
            width=6,
        ),
        Panel(
            "Lists, lost races, what can't be read, dropped Events",
            "A minute.",
            {
                "lists": f"60 * sum(rate(imagejob_lists_total[{RATE}]))",
                "unreadable objects": f"60 * sum(rate(imagejob_unreadable_objects_total[{RATE}]))",
                "ledger conflicts": "60 * sum(rate(imagejob_ledger_operations_total"
                f'{{result="conflict"}}[{RATE}]))',
                "Events dropped": "60 * sum(rate(imagejob_events_total"
                f'{{result="dropped"}}[{RATE}]))',
            },
            width=6,
        ),
        Panel(
            "Kept of tenants' objects",
            "Memory, about. It has a bound for each namespace.",
            {"kept": "max(imagejob_cache_bytes)"},
            "bytes",
            width=12,
        ),
        Panel(
            "Namespaces that exceed cache.bytesPerNamespace",
            "Some of their objects wait.",
            {"namespaces": "max(imagejob_cache_full_namespaces)"},
            width=12,
        ),
    ),
    "The operator": (
        Panel(
            "CPU",
            "Of one core, by replica.",
            {
                "{{instance}}": f"rate(process_cpu_seconds_total[{RATE}])"
                " and on (instance, job) imagejob_build_info"
            },
            "percentunit",
        ),
        Panel(
            "Memory",
            "Resident, by replica.",
            {
                "{{instance}}": "process_resident_memory_bytes"
                " and on (instance, job) imagejob_build_info"
            },
            "bytes",
        ),
        Panel(
            "Who leads, and with which version",
            "One of the replicas has 1.",
            {
                "{{instance}} {{version}}": "imagejob_leader * on (instance, job)"
                " group_left (version) imagejob_build_info"
            },
        ),
    ),
}
"""Title of the row → its panels."""
