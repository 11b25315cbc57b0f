"""What becomes of ImageJobs, and what they wait for."""

from __future__ import annotations

from imagejob_operator.api.batch import MAX_BATCH

from .panel import RATE, Panel, quantiles, stat, steps

RED_BELOW_1 = steps((None, "red"), (1, "green"), (2, "orange"))
RED_ABOVE_30 = steps((None, "green"), (10, "orange"), (30, "red"))

ROWS: dict[str, tuple[Panel, ...]] = {
    "At a glance": (
        stat("Leader", "Replicas that lead: one.", "sum(imagejob_leader)", colours=RED_BELOW_1),
        stat(
            "Loop age",
            "Since the loop last turned. 5 s are normal when nothing happens.",
            "max(imagejob_loop_age_seconds)",
            "s",
            colours=RED_ABOVE_30,
        ),
        stat("Unfinished", "ImageJobs without a result.", "sum(imagejob_jobs)"),
        stat(
            "Finished a minute",
            "Succeeded, failed and cancelled.",
            f"60 * sum(rate(imagejob_finished_total[{RATE}]))",
        ),
        stat(
            "Failed",
            "Of those that finished in the range shown.",
            'sum(increase(imagejob_finished_total{result="failed"}[$__range]))'
            ' / (sum(increase(imagejob_finished_total{result!="cancelled"}[$__range])) > 0)',
            "percentunit",
            colours=steps((None, "green"), (0.05, "orange"), (0.2, "red")),
        ),
        stat(
            "Oldest admitted",
            "How long ago the quota admitted the oldest ImageJob that waits for a worker.",
            'max(imagejob_oldest_job_age_seconds{phase="Queued"})',
            "s",
            colours=steps((None, "green"), (300, "orange"), (1800, "red")),
        ),
    ),
    "Throughput": (
        Panel(
            "Finished",
            "ImageJobs a second, by what came of them.",
            {"{{result}}": f"sum by (result) (rate(imagejob_finished_total[{RATE}]))"},
            "ops",
            stacked=True,
        ),
        Panel(
            "Unfinished by phase",
            "Throttled wait for their quota, Queued for a worker.",
            {"{{phase}}": "sum by (phase) (imagejob_jobs)"},
            stacked=True,
        ),
        Panel(
            "What they wait for",
            "The reasons of docs/reasons.md.",
            {"{{reason}}": "sum by (reason) (imagejob_waiting_jobs)"},
            stacked=True,
        ),
    ),
    "Failures": (
        Panel(
            "Failures by reason",
            "A minute. What the picture is to blame for, and what not.",
            {
                "{{reason}}": "60 * sum by (reason) "
                f'(rate(imagejob_finished_total{{result="failed"}}[{RATE}])) > 0'
            },
            stacked=True,
            width=12,
        ),
        Panel(
            "Attempts made again, by reason",
            "A minute.",
            {"{{reason}}": f"60 * sum by (reason) (rate(imagejob_retries_total[{RATE}])) > 0"},
            stacked=True,
            width=12,
        ),
    ),
    "Waiting and working": (
        Panel(
            "Wait for the quota",
            "From creation, in whole seconds, to admission.",
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
            "From creation to success", "All of it.", quantiles("turnaround_seconds"), "s", width=6
        ),
    ),
    "Workers": (
        Panel(
            "Worker Jobs",
            "Starting ones have no pod that runs yet. At most the limit start or run at once.",
            {
                "{{state}}": "sum by (state) (imagejob_worker_jobs)",
                "limit": "max(imagejob_worker_jobs_limit)",
            },
        ),
        Panel(
            "ImageJobs a worker",
            f"ImageJobs of each new worker Job: 1 where none else waits, {MAX_BATCH} in a burst.",
            {
                "mean": f"sum(rate(imagejob_batch_size_sum[{RATE}]))"
                f" / sum(rate(imagejob_batch_size_count[{RATE}]))",
                "p90": "histogram_quantile(0.9, sum by (le) "
                f"(rate(imagejob_batch_size_bucket[{RATE}])))",
            },
        ),
        Panel(
            "Batch sizes",
            "Worker Jobs made, by how many ImageJobs they carry.",
            {"{{le}}": f"sum by (le) (increase(imagejob_batch_size_bucket[{RATE}]))"},
            kind="heatmap",
            options={"calculate": False, "yAxis": {"unit": "short"}, "legend": {"show": False}},
        ),
    ),
}
"""Title of the row → its panels."""
