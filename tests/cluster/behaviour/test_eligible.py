"""What `status.queue.eligibleAt` promises waiting ImageJobs, compared with what happens."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import mean
from typing import TYPE_CHECKING

from support import audit_log
from support.recorder import Event, recording
from support.tenant import Body, Tenant, image_job, picture

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from imagejob_dev.client import Client

LIMIT, WINDOW = 50, timedelta(seconds=10)
SLOT = WINDOW / 120
THROTTLED = 200
SECONDS = 300.0


def test_the_first_promise_is_kept_to_the_slot(
    cluster: Client,
    namespace: str,
    record_property: Callable[[str, object], None],
    pytestconfig: pytest.Config,
) -> None:
    team = Tenant(cluster, namespace)
    team.put("incoming/photo.jpg", picture(64, 64))
    team.open()
    team.quota(f"{LIMIT}/{WINDOW.seconds}s")
    # Hardly any workers: the test is about admission, and nothing else should change meanwhile.
    with (
        cluster.operator("eligible-operator", max_workers="1") as operator,
        recording(cluster.rest, team.path("imagejobs")) as seen,
    ):
        team.create(
            [image_job(f"photo-{n}", "incoming/photo.jpg") for n in range(LIMIT + THROTTLED)]
        )
        team.wait_all(is_admitted, LIMIT + THROTTLED, SECONDS)

    promised = first_promises(seen)
    admitted = audit_log.times_of(audit_log.read(operator.log), "Admitted")
    late = [admitted[uid][0] - time for uid, time in promised.items()]
    record_property(
        "admitted after its promise, mean and most (s)",
        (round(mean(each.total_seconds() for each in late), 4), max(late).total_seconds()),
    )
    # The first may have been admitted before there was time to write a status.
    assert len(promised) >= THROTTLED - (0 if pytestconfig.option.calm else LIMIT)
    assert min(late) >= timedelta(0)
    assert max(late) <= (SLOT if pytestconfig.option.calm else WINDOW)


def is_admitted(status: Body) -> bool:
    return any(
        each["type"] == "Admitted" and each["status"] == "True"
        for each in status.get("conditions", [])
    )


def first_promises(seen: list[Event]) -> dict[str, datetime]:
    """UID → the first time that its status promised while it waited for the quota."""
    promised: dict[str, datetime] = {}
    for event in seen:
        status = event.object.get("status", {})
        if status.get("phase") == "Throttled" and "eligibleAt" in status.get("queue", {}):
            time = datetime.fromisoformat(status["queue"]["eligibleAt"])
            promised.setdefault(event.object["metadata"]["uid"], time)
    return promised
