"""Decides when namespaces are planned: together, and then not for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from imagejob_operator.cache.reconcile_key import NamespaceKey
from imagejob_operator.workqueue.batch_window import MOMENT, BatchWindow
from imagejob_operator.workqueue.queue import WorkQueue

from .namespace_registry import NamespaceRegistry
from .scheduler import Action, Scheduler


class PlanningRounds:
    """Rounds of plans, a batch window apart; and two reads of one ledger are a moment apart.

    Only a plan delays plans: an ImageJob waits neither because others' idle namespaces were
    enqueued, nor after its ledger was read. `clock` is in seconds and monotonic.
    """

    def __init__(
        self,
        queue: WorkQueue,
        registry: NamespaceRegistry,
        scheduler: Scheduler,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._registry = registry
        self._scheduler = scheduler
        self._clock = clock
        self._window = BatchWindow(clock)
        self._read_again: dict[str, float] = {}

    @property
    def wait(self) -> float:
        """Seconds until the next round for the namespaces that are queued."""
        until = min(self._read_again.values(), default=0.0)
        return self._window.wait or max(0.0, until - self._clock())

    def next_actions(self) -> list[tuple[NamespaceKey, Action]]:
        """Return the next actions of all queued namespaces or, within the window, of those that are
        due."""
        began, behind, between = self._clock(), self._queue.is_behind, self._window.wait > 0
        namespaces = self._queue.namespaces(only_on_time=between)
        active = {each for each in namespaces if not self._registry.ledgers.is_idle(each)}
        to_plan = {each for each in active if self._registry.ledgers.is_known(each)}
        to_read = active - to_plan
        self._read_again = {name: at for name, at in self._read_again.items() if began < at}
        put_off = to_read & self._read_again.keys()
        if behind:
            put_off |= self._held(to_plan)
        chosen = [each for each in namespaces if each not in put_off]
        only_charge = between and self._registry.are_others_in_line(chosen)
        actions = self._scheduler.next_actions(chosen, is_thrifty=behind, only_charge=only_charge)
        if only_charge:  # they share the free slots with the others in the next round
            in_line = self._registry.in_line()
            self._queue.add_namespaces(each for each in chosen if each in in_line)
        if to_plan:
            self._window.looked_at(to_plan - put_off, began)
        self._read_again |= dict.fromkeys(to_read - put_off, began + MOMENT)
        return actions

    def _held(self, namespaces: Collection[str]) -> set[str]:
        """Return those that wait for a whole worker's worth of ImageJobs."""
        held = self._window.held(namespaces)
        return {each for each in held if not self._registry.fills_a_worker(each)}
