"""Panels about quotas, the API server and the operator's process."""

from __future__ import annotations

from .panel import FULL, NAMESPACE, RATE, Panel


def _fullest(count: int, of: str, by: str = "namespace") -> str:
    """Limit a graph to so many namespaces: one of two hundred lines shows nothing."""
    return f"topk({count}, max by ({by}) (imagejob_quota_{of}{{{NAMESPACE}}}))"


ROWS: dict[str, tuple[Panel, ...]] = {
    "Quota": (
        Panel(
            "Quota use",
            "Used of the limit by namespace and window: the 20 fullest. _others sums up the rest.",
            {"{{namespace}} per {{window}}": _fullest(20, "used_ratio", "namespace, window")},
            "percentunit",
            defaults={"min": 0, **FULL, "color": {"mode": "palette-classic"}},
        ),
        Panel(
            "Waiting for quota",
            "ImageJobs of the 20 namespaces with the most.",
            {"{{namespace}}": _fullest(20, "waiting")},
            stacked=True,
        ),
        Panel(
            "Running",
            "ImageJobs of the 20 namespaces with the most.",
            {"{{namespace}}": _fullest(20, "running")},
            stacked=True,
        ),
        Panel(
            "Fullest namespaces",
            "Current use of the limit.",
            {"{{namespace}} per {{window}}": _fullest(10, "used_ratio", "namespace, window")},
            "percentunit",
            "bargauge",
            12,
            options={"orientation": "horizontal", "reduceOptions": {"calcs": ["lastNotNull"]}},
            defaults={"min": 0, "max": 1, **FULL},
        ),
        Panel(
            "Admissions and limits",
            "The 10 largest. Use may exceed a limit that was lowered.",
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
            "Per second, by verb, without watches.",
            {"{{verb}}": f"sum by (verb) (rate(imagejob_api_requests_total[{RATE}]))"},
            "reqps",
            width=6,
        ),
        Panel(
            "Failed requests",
            "Per second. 409 is normal: another writer was first.",
            {
                "{{code}}": "sum by (code) "
                f'(rate(imagejob_api_requests_total{{code!~"2.."}}[{RATE}]))',
                "throttled": f"sum(rate(imagejob_api_throttled_total[{RATE}]))",
            },
            "reqps",
            width=6,
        ),
        Panel(
            "Request latency",
            "99th percentile by verb.",
            {
                "{{verb}}": "histogram_quantile(0.99, sum by (le, verb) "
                f"(rate(imagejob_api_request_duration_seconds_bucket[{RATE}])))"
            },
            "s",
            width=6,
        ),
        Panel(
            "Write concurrency",
            "Maximum and current number of concurrent actions.",
            {
                "limit": "max(imagejob_api_write_limit)",
                "in progress": "max(imagejob_workqueue_in_progress)",
                "pause, s": "max(imagejob_api_pause_seconds)",
            },
            width=6,
        ),
        Panel(
            "Work queue depth",
            "progress advances ImageJobs; status and status_refresh only report waiting states.",
            {"{{priority}}": "sum by (priority) (imagejob_workqueue_depth)"},
            width=6,
        ),
        Panel(
            "Work queue latency",
            "Age of the oldest action. progress should wait for seconds at most.",
            {"{{priority}}": "max by (priority) (imagejob_workqueue_oldest_seconds)"},
            "s",
            width=6,
        ),
        Panel(
            "Watch events",
            "Per second. LISTED: objects of the list before a watch.",
            {"{{type}}": f"sum by (type) (rate(imagejob_watch_events_total[{RATE}]))"},
            "ops",
            width=6,
        ),
        Panel(
            "Lists, conflicts, unreadable objects, dropped Events",
            "Per minute.",
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
            "Decoded without a protection",
            "ImageJobs a minute on nodes without Landlock or seccomp.",
            {"{{lacks}}": f"60 * sum by (lacks) (rate(imagejob_unprotected_total[{RATE}]))"},
            width=6,
        ),
        Panel(
            "Unreadable objects, unwatched kinds",
            "Anything but 0 has an alert. While a kind is not watched, nothing is decided.",
            {
                "{{resource}}": "sum by (resource) (imagejob_unreadable_now)",
                "unwatched kinds": "max(imagejob_unwatched_kinds)",
            },
            width=6,
        ),
        Panel(
            "Unexpected exceptions",
            "Per minute. Each stops one object or namespace, which is retried.",
            {
                "{{controller}}": "60 * sum by (controller)"
                f" (rate(imagejob_reconcile_errors_total[{RATE}]))"
            },
            width=12,
        ),
        Panel(
            "Cache of tenants' objects",
            "Approximate memory, limited per namespace.",
            {"cache": "max(imagejob_cache_bytes)"},
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
    "Operator": (
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
            "Leader and version",
            "The leading replica has 1.",
            {
                "{{instance}} {{version}}": "imagejob_leader * on (instance, job)"
                " group_left (version) imagejob_build_info"
            },
        ),
    ),
}
"""Title of the row → its panels."""
