"""Priority, then age, decides who is admitted, also where many wait when the operator starts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imagejob_operator.controllers import manager
from imagejob_operator.kube import records
from imagejob_operator.quota.ledger import Ledger
from support.bad_objects import meta
from support.memory_api import MemoryApi
from support.memory_operator import OWN, operating

if TYPE_CHECKING:
    import pytest
    from support.memory_api import Body

TEAM = "team-a"
LOOKS = 8  # keys that are reconciled before the namespace is planned
FIRST = {"photo-12", "photo-25", "photo-30"}
"""Those with priority: as many as the quota admits."""

STORE: Body = {"metadata": meta("uploads", TEAM), "spec": {"volume": {"claimName": "c"}}}
QUOTA: Body = {
    "metadata": meta("default", TEAM),
    "spec": {"limits": [{"jobs": len(FIRST), "per": "1h"}]},
}


def image_job(name: str) -> Body:
    source = {"storeRef": {"name": "uploads"}, "key": "in/cat.jpg"}
    spec = {"source": source, "outputs": [{"name": "thumb"}], "priority": int(name in FIRST)}
    return {"metadata": meta(name, TEAM), "spec": spec}


def ledger() -> Body:
    body = records.ledger(OWN, TEAM, Ledger(0).encode(), None)
    return {**body, "metadata": {**meta("", OWN), **body["metadata"]}}


def test_after_a_start_the_first_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "LOOKS", LOOKS)
    api = MemoryApi()
    api.put("configmaps", OWN, records.ledger_name(TEAM), ledger())
    api.put("imagestores", TEAM, "uploads", STORE)
    api.put("imagequotas", TEAM, "default", QUOTA)
    for name in (f"photo-{number}" for number in range(4 * LOOKS)):
        api.put("imagejobs", TEAM, name, image_job(name))

    async def run() -> None:
        async with operating(api) as operator:
            await operator.until(lambda: len(operator.dispatched(TEAM)) == len(FIRST))
            assert operator.dispatched(TEAM) == FIRST

    asyncio.run(run())
