"""What those who wait are told: when they go on, or that they may not wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import Picture
from imagejob_operator.cache.reconcile_key import Subject, Tenancy
from imagejob_operator.quota.ledger import time_of
from imagejob_operator.quota.position import shown
from imagejob_operator.quota.rates import Policy, forecast, usage

from .namespace_state import Tenant
from .plan import Outlook

INTERVAL = timedelta(seconds=1)
"""How often at most the places of those who wait are looked at, for each 1,000 of them."""

HELD = timedelta(seconds=2)
"""Nobody says when a worker that is stuck no longer counts as starting."""

AHEAD = 1000
"""How many more than wait a forecast is for, and as many again as wait."""

SOON = timedelta(milliseconds=100)
TICK = timedelta(milliseconds=1)


class Foresight:
    """Keeps the forecasts, and has those looked at whose status has become stale.

    `later` is told when to look at a namespace again. Whoever `is_put_off` is looked at anyway
    when there is room for what is to be written.
    """

    def __init__(
        self,
        picture: Picture,
        later: Callable[[Tenancy, datetime], None],
        is_put_off: Callable[[Subject], bool],
    ) -> None:
        self._picture = picture
        self._later = later
        self._is_put_off = is_put_off
        self._looked: dict[str, datetime] = {}

    def update(self, outlook: Outlook, now: datetime) -> None:
        """After all that could be admitted at once has been."""
        tenant = outlook.tenant
        waiting = len(tenant.throttled) + len(tenant.queued)
        if not waiting:
            self._looked.pop(tenant.namespace, None)
            return
        interval = INTERVAL * max(1.0, waiting / 1000)
        due = self._looked.get(tenant.namespace, now - interval) + interval
        if now >= due:
            self._looked[tenant.namespace] = now
            told = tenant.limit
            self._foresee(outlook)
            # Another limit is told to all at once, whatever else of it they say is still true.
            for job in self._stale(tenant, now) if tenant.limit == told else self._jobs(tenant):
                self._picture.touch(job.metadata.uid)
        self._come_back(outlook, now, due)

    def _foresee(self, outlook: Outlook) -> None:
        tenant, ledger, rates = outlook.tenant, outlook.ledger, outlook.policy.rates
        tightest = usage(ledger.history, rates, ledger.now)[0].rate
        tenant.limit = f"{tightest.jobs} per {tightest.per}"
        tenant.slot = timedelta(milliseconds=tightest.slot)
        count = len(tenant.throttled) + _room_for_more(outlook.policy, len(tenant.throttled))
        tenant.forecast = forecast(ledger.history, rates, ledger.now, count)

    def _stale(self, tenant: Tenant, now: datetime) -> Iterator[ImageJob]:
        """Those whose status says what isn't so, or nothing yet."""
        for job in self._jobs(tenant):
            if self._is_put_off(job.metadata.uid):
                continue
            place, queue = tenant.place_of(job), job.status.queue
            if not place.turn or shown(queue, place.turn, now, place.slot) is not queue:
                yield job

    def _jobs(self, tenant: Tenant) -> Iterator[ImageJob]:
        for line in (tenant.throttled, tenant.queued):
            for uid in list(line):
                job = self._picture.jobs.get(uid)
                if job:
                    yield job

    def _come_back(self, outlook: Outlook, now: datetime, due: datetime) -> None:
        """When the first in line goes on, or when a look at the others is due."""
        tenant, ledger = outlook.tenant, outlook.ledger
        times = [due] if due > now else []
        if tenant.queued:
            times.append(now + HELD)
        if tenant.throttled:
            first = usage(ledger.history, outlook.policy.rates, ledger.now)[0].next_available
            # At once is not possible while the ledger is full: soon, then.
            times.append(max(time_of(first * 1000), now + TICK) if first else now + SOON)
        if times:
            self._later(Tenancy(tenant.namespace), min(times))


def _room_for_more(policy: Policy, waiting: int) -> int:
    """For how many of those still to come a forecast is to hold.

    Who comes before the next look is then told his place by his first status, rather than by a
    second. Where somebody may be turned away, nobody is told a place before that is settled.
    """
    return waiting + AHEAD if policy.turns_nobody_away else 0
