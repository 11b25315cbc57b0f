"""The operator's alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from . import Series


def finished(failed: int, succeeded: int, reason: str) -> Series:
    """That many more of each per minute."""
    return {
        f'imagejob_finished_total{{result="failed",reason="{reason}"}}': f"0+{failed}x60",
        'imagejob_finished_total{result="succeeded",reason="Succeeded"}': f"0+{succeeded}x60",
        f'imagejob_retries_total{{reason="{reason}"}}': f"0+{failed}x60",
    }


def waiting(reason: str, minutes: int) -> Series:
    return {f'imagejob_waiting_jobs{{reason="{reason}"}}': f"3x{minutes}"}


def requests(code: str, failing: int) -> Series:
    return {
        'imagejob_api_requests_total{verb="PUT",code="200"}': "0+600x60",
        f'imagejob_api_requests_total{{verb="PUT",code="{code}"}}': f"0+{failing}x60",
    }


def quota(used: str, waits: str) -> Series:
    return {
        'imagejob_quota_used_ratio{namespace="team-a",window="1h"}': used,
        'imagejob_quota_used_ratio{namespace="team-a",window="24h"}': "0.3x300",
        'imagejob_quota_waiting{namespace="team-a"}': waits,
    }


def starts(values: str, info: str = "1x60") -> Series:
    """When a process began; that of another program on the same address restarts, too."""
    return {
        'process_start_time_seconds{job="ours",instance="a"}': values,
        'process_start_time_seconds{job="other",instance="a"}': "0+60x60",
        'imagejob_build_info{job="ours",instance="a",version="1"}': info,
    }


def unreadable(values: str) -> Series:
    return {'imagejob_ledger_operations_total{operation="read",result="unreadable"}': values}


CASES: Mapping[str, Case] = {
    "ImageJobNoLeader": Case(
        1,
        5,
        fires={'imagejob_leader{pod="a"}': "0x10", 'imagejob_leader{pod="b"}': "0x10"},
        quiet={'imagejob_leader{pod="a"}': "0x10", 'imagejob_leader{pod="b"}': "1x10"},
    ),
    "ImageJobLoopStuck": Case(
        1,
        8,
        fires={"imagejob_loop_age_seconds": "2 2 35 2 2 2 2 2 2"},
        quiet={"imagejob_loop_age_seconds": "2 5 4.9 2 12 2 2 2 2"},
    ),
    "ImageJobNotWatching": Case(
        0,
        3,
        fires={"imagejob_unwatched_kinds": "0 2x20"},
        quiet={"imagejob_unwatched_kinds": "6 0x20"},
    ),
    "ImageJobObjectsUnreadable": Case(
        0,
        3,
        fires={
            'imagejob_unreadable_now{resource="imageprofiles"}': "0 1x20",
            'imagejob_unreadable_now{resource="imagejobs"}': "0x20",
        },
        quiet={'imagejob_unreadable_now{resource="imageprofiles"}': "1 0x20"},
    ),
    "ImageJobReconcileErrors": Case(
        1,
        4,
        fires={'imagejob_reconcile_errors_total{controller="namespace"}': "0 0 0 1x20"},
        quiet={'imagejob_reconcile_errors_total{controller="namespace"}': "7x20"},
    ),
    "ImageJobQueueOld": Case(
        34,
        50,
        fires={'imagejob_oldest_job_age_seconds{phase="Queued"}': "0+60x60"},
        quiet={
            'imagejob_oldest_job_age_seconds{phase="Queued"}': "600x60",
            'imagejob_oldest_job_age_seconds{phase="Throttled"}': "9000x60",
        },
    ),
    "ImageJobRunningOverdue": Case(
        3,
        6,
        fires={"imagejob_running_overdue_seconds": "0 0 70+60x20"},
        quiet={
            "imagejob_running_overdue_seconds": "0 30 50 0x20",
            'imagejob_oldest_job_age_seconds{phase="Running"}': "3600+60x30",
        },
    ),
    "ImageJobWritesBehind": Case(
        8,
        15,
        fires={'imagejob_workqueue_oldest_seconds{priority="progress"}': "90x20"},
        quiet={
            'imagejob_workqueue_oldest_seconds{priority="progress"}': "1x20",
            'imagejob_workqueue_oldest_seconds{priority="status_refresh"}': "900x20",
        },
    ),
    "ImageJobFailureRatio": Case(
        4,
        40,
        fires=finished(10, 90, "WorkerLost"),
        quiet=finished(90, 10, "UnsupportedFormat"),
    ),
    "ImageJobInternalErrors": Case(
        19,
        30,
        fires={'imagejob_finished_total{result="failed",reason="Internal"}': "0x20 1x40"}
        | {'imagejob_retries_total{reason="Internal"}': "0x60"},
        quiet=finished(0, 10, "Internal"),
    ),
    "ImageJobStorageUnavailable": Case(
        4,
        30,
        fires=finished(5, 20, "StorageUnavailable"),
        quiet=finished(5, 20, "TooLarge") | finished(0, 20, "StorageUnavailable"),
    ),
    "ImageJobWorkersRefused": Case(
        8,
        12,
        fires={
            'imagejob_waiting_jobs{reason="WorkerRefused"}': "3 3 stale 3 stale" + " 3 stale" * 6
        },
        quiet=waiting("WorkerRefused", 5),
    ),
    "ImageJobWorkersUnschedulable": Case(
        13,
        16,
        fires=waiting("WorkerUnschedulable", 20),
        quiet=waiting("WaitingForWorker", 20),
    ),
    "ImageJobQuotaUsedUp": Case(
        200, 245, fires=quota("1x100 0.98 1x200", "7x300"), quiet=quota("1x300", "0x300")
    ),
    "ImageJobLedgerUnreadable": Case(
        2, 8, fires=unreadable("0 0 0 15 30 45x9"), quiet=unreadable("0x9")
    ),
    "ImageJobCacheFull": Case(
        4,
        10,
        fires={"imagejob_cache_full_namespaces": "0 0 1x20"},
        quiet={"imagejob_cache_full_namespaces": "0 1 1 0x20"},
    ),
    "ImageJobApiThrottled": Case(
        12,
        25,
        fires={"imagejob_api_throttled_total": "0+30x30"},
        quiet={"imagejob_api_throttled_total": "0+30x3 90x30"},
    ),
    "ImageJobApiErrors": Case(8, 20, fires=requests("<error>", 60), quiet=requests("409", 300)),
    "ImageJobLeaseTrouble": Case(
        2,
        8,
        fires={
            'imagejob_lease_trouble{pod="a"}': "0x2 1x20",
            'imagejob_lease_trouble{pod="b"}': "0x22",
        },
        quiet={
            'imagejob_lease_trouble{pod="a"}': "0 0 1 1 0x20",
            'imagejob_lease_trouble{pod="deleted"}': "1x6 stale",
        },
    ),
    "ImageJobRestarts": Case(
        10,
        25,
        fires=starts(
            "100 100 200 200 200 300 300 300 400 400 400 400 400 500x5 stale",
            info="1x18 stale",  # the container is in back-off
        ),
        quiet=starts("100 100 200 200 300x40"),
    ),
}
