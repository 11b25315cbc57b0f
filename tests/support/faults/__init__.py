"""The faults of the table in docs/runbook.md, and the alerts that have none."""

from __future__ import annotations

from support.alerting import AS_WRITTEN, Fault

from . import api, objects, stores, workers

KINDS = {
    "an ImageJob": "imagejobs",
    "an ImageProfile": "imageprofiles",
    "an ImageStore": "imagestores",
    "an ImageQuota": "imagequotas",
}

FAULTS: dict[str, Fault] = {
    **{
        f"{name} has a value of a newer CRD": Fault(
            objects.of_a_newer_schema(plural), speed=AS_WRITTEN
        )
        for name, plural in KINDS.items()
    },
    "a worker Job can't be read": Fault(objects.an_unreadable_job, speed=AS_WRITTEN),
    "a worker pod can't be read": Fault(objects.an_unreadable_pod, speed=AS_WRITTEN),
    "a ledger was written by a newer operator": Fault(
        objects.an_unreadable_ledger, speed=AS_WRITTEN
    ),
    "the operator fails on an ImageJob": Fault(objects.a_bug, speed=AS_WRITTEN),
    "the operator may not list a kind": Fault(
        objects.a_kind_that_is_refused("unlisted", "imageprofiles", "list", "watch"),
        seen_by="unlisted",
        speed=AS_WRITTEN,
    ),
    "the operator may not watch a kind": Fault(
        objects.a_kind_that_is_refused("unwatched", "imagestores", "watch"),
        seen_by="unwatched",
        speed=AS_WRITTEN,
    ),
    "an ImageJob is Running, can't be read, and its node is gone": Fault(
        workers.running_for_too_long
    ),
    "no node accepts a worker": Fault(workers.unschedulable),
    "a namespace may have no pods": Fault(workers.refused),
    "pods never run until their free restarts end": Fault(workers.never_run),
    "a store's credentials have expired": Fault(stores.with_expired_credentials()),
    "sources are archived, keys disabled, destinations locked": Fault(
        stores.refusing("archived", "disabled", "locked")
    ),
    "a bucket is in another region": Fault(stores.refusing("elsewhere")),
    "the API server answers 401": Fault(api.answering("unauthorized", "401"), "unauthorized"),
    "the API server answers 504": Fault(api.answering("failing", "504"), "failing"),
    "the API server answers 429": Fault(api.answering("throttled", "429"), "throttled"),
    "packets to the API server are dropped": Fault(api.unreachable, "unreachable"),
    "the operator may not read the Lease": Fault(api.forbidden_lease, "forbidden"),
    "the Lease is lost for the fourth time within half an hour": Fault(api.lost_leases, "losing"),
    "each request to the API server takes seconds": Fault(
        api.slow,
        after=(
            "pods never run until their free restarts end",
            "a store's credentials have expired",
            "sources are archived, keys disabled, destinations locked",
            "a bucket is in another region",
            "a namespace may have no pods",
        ),
    ),
    "a CRD is missing": Fault(
        objects.a_kind_that_is_gone,
        after=(
            "an ImageProfile has a value of a newer CRD",
            "each request to the API server takes seconds",
        ),
    ),
}

WITHOUT = {
    "ImageJobLoopStuck": "only a bug of the loop itself brings it about",
    "ImageJobInternalErrors": "only a bug of operator or worker brings it about",
    "ImageJobQuotaUsedUp": "it is no fault, and takes four hours",
    "ImageJobCacheFull": "it is a tenant's fault: tests/cluster/behaviour/test_cache_full.py",
}
"""Alerts that no row has, and why. promtool tries them in tests/slow/product/test_metrics_alerts.py
as all others."""
