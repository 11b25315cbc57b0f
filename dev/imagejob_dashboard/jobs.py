"""Panels about ImageJobs and their workers."""

from __future__ import annotations

from imagejob_operator.api.batch import MAX_BATCH

from .panel import RATE, Panel, quantiles, stat, steps

RED_BELOW_1 = steps((None, "red"), (1, "green"), (2, "orange"))
RED_ABOVE_30 = steps((None, "green"), (10, "orange"), (30, "red"))

ROWS: dict[str, tuple[Panel, ...]] = {
    "Overview": (
        stat(
            "Leader",
            "Number of leading replicas; 1 is normal.",
            "sum(imagejob_leader)",
            colours=RED_BELOW_1,
        ),
        stat(
            "Loop age",
            "Time since the loop last ran. 5 s are normal when idle.",
            "max(imagejob_loop_age_seconds)",
            "s",
            colours=RED_ABOVE_30,
        ),
        stat("Unfinished", "ImageJobs without a result.", "sum(imagejob_jobs)"),
        stat(
            "Finished per minute",
            "Succeeded, failed and cancelled.",
            f"60 * sum(rate(imagejob_finished_total[{RATE}]))",
        ),
        stat(
            "Failed",
            "Share of the ImageJobs that finished in the selected range.",
            'sum(increase(imagejob_finished_total{result="failed"}[$__range]))'
            ' / (sum(increase(imagejob_finished_total{result!="cancelled"}[$__range])) > 0)',
            "percentunit",
            colours=steps((None, "green"), (0.05, "orange"), (0.2, "red")),
        ),
        stat(
            "Oldest admitted",
            "Time since admission of the oldest ImageJob that waits for a worker.",
            'max(imagejob_oldest_job_age_seconds{phase="Queued"})',
            "s",
            colours=steps((None, "green"), (300, "orange"), (1800, "red")),
        ),
    ),
    "Throughput": (
        Panel(
            "Finished",
            "ImageJobs per second, by result.",
            {"{{result}}": f"sum by (result) (rate(imagejob_finished_total[{RATE}]))"},
            "ops",
            stacked=True,
        ),
        Panel(
            "Unfinished by phase",
            "Throttled ones wait for their quota, Queued ones for a worker.",
            {"{{phase}}": "sum by (phase) (imagejob_jobs)"},
            stacked=True,
        ),
        Panel(
            "Waiting by reason",
            "The reasons are in docs/reasons.md.",
            {"{{reason}}": "sum by (reason) (imagejob_waiting_jobs)"},
            stacked=True,
        ),
    ),
    "Failures": (
        Panel(
            "Failures by reason",
            "Per minute, caused by the image or not.",
            {
                "{{reason}}": "60 * sum by (reason) "
                f'(rate(imagejob_finished_total{{result="failed"}}[{RATE}])) > 0'
            },
            stacked=True,
            width=12,
        ),
        Panel(
            "Retries by reason",
            "Per minute.",
            {"{{reason}}": f"60 * sum by (reason) (rate(imagejob_retries_total[{RATE}])) > 0"},
            stacked=True,
            width=12,
        ),
    ),
    "Latency": (
        Panel(
            "Wait for the quota",
            "From creation (truncated to seconds) to admission.",
            quantiles("admission_wait_seconds"),
            "s",
            width=6,
        ),
        Panel(
            "Wait for a worker",
            "From admission to the start of the first worker.",
            quantiles("queue_wait_seconds"),
            "s",
            width=6,
        ),
        Panel(
            "Processing",
            "By the worker's clock: fetch, decode, encode, upload.",
            quantiles("processing_seconds"),
            "s",
            width=6,
        ),
        Panel(
            "From creation to success", "End to end.", quantiles("turnaround_seconds"), "s", width=6
        ),
    ),
    "Workers": (
        Panel(
            "Worker Jobs",
            "Starting ones have no running pod yet. The limit is for starting and running ones.",
            {
                "{{state}}": "sum by (state) (imagejob_worker_jobs)",
                "limit": "max(imagejob_worker_jobs_limit)",
            },
            width=6,
        ),
        Panel(
            "ImageJobs per worker",
            f"ImageJobs of each new worker Job: 1 if no other waits, {MAX_BATCH} in a burst.",
            {
                "mean": f"sum(rate(imagejob_batch_size_sum[{RATE}]))"
                f" / sum(rate(imagejob_batch_size_count[{RATE}]))",
                "p90": "histogram_quantile(0.9, sum by (le) "
                f"(rate(imagejob_batch_size_bucket[{RATE}])))",
            },
            width=6,
        ),
        Panel(
            "Batch sizes",
            "New worker Jobs by their number of ImageJobs.",
            {"{{le}}": f"sum by (le) (increase(imagejob_batch_size_bucket[{RATE}]))"},
            kind="heatmap",
            options={"calculate": False, "yAxis": {"unit": "short"}, "legend": {"show": False}},
            width=6,
        ),
        Panel(
            "Overdue",
            "For how long a Running ImageJob should have ended or gone on elsewhere; normally 0.",
            {"overdue": "max(imagejob_running_overdue_seconds)"},
            "s",
            width=6,
        ),
    ),
}
"""Title of the row → its panels."""
