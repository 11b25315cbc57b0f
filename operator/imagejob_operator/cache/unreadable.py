"""The objects that can't be read now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import (
    IMAGE_JOBS,
    IMAGE_PROFILES,
    IMAGE_QUOTAS,
    IMAGE_STORES,
    PODS,
    WORKER_JOBS,
)

from .memory_budget import MemoryBudget

Name = tuple[str, str]
"""A kind's plural, and the name of an object."""

QUOTA: Name = (IMAGE_QUOTAS.plural, "default")


class UnreadableObjects:
    """Objects that exist and can't be read, by namespace. What was known of them is outdated.

    Tenants' objects are stored only within `budget`. `changed` is called with a namespace when
    those in it are others than before.
    """

    def __init__(self, budget: MemoryBudget, changed: Callable[[str], None]) -> None:
        self._budget = budget
        self._changed = changed
        self._in: dict[str, dict[Name, Unreadable]] = {}

    def put(self, thing: Unreadable) -> None:
        """Record the object, unless it exceeds the budget."""
        if not self._budget.take_unreadable(thing):
            self.drop(thing.resource, thing.namespace, thing.name)
            return
        own = self._in.setdefault(thing.namespace, {})
        before = own.get((thing.resource, thing.name))
        own[thing.resource, thing.name] = thing
        if not before or before.why != thing.why:
            self._changed(thing.namespace)

    def drop(self, resource: str, namespace: str, name: str) -> None:
        """Forget an object that can be read, or is gone."""
        own = self._in.get(namespace, {})
        known = own.pop((resource, name), None)
        if known:
            self._budget.free_unreadable(known)
            if not own:
                del self._in[namespace]
            self._changed(namespace)

    def get(self, resource: str, namespace: str, name: str) -> Unreadable | None:
        return self._in.get(namespace, {}).get((resource, name))

    def absent_from(
        self, resource: str, namespace: str, names: Collection[tuple[str, str]], as_of: int
    ) -> list[Unreadable]:
        """Return the objects that a list at that version, of one namespace or of all (""), has not
        found unreadable. `names` are the namespaces and names of those that it has."""
        return [
            thing
            for own in ([self._in.get(namespace, {})] if namespace else self._in.values())
            for (plural, name), thing in own.items()
            if plural == resource
            and thing.version <= as_of
            and (thing.namespace, name) not in names
        ]

    def image_job(self, namespace: str, uid: str) -> bool:
        """Whether an ImageJob of the namespace may be the one with that UID, and can't be read."""
        return any(
            thing.uid in (uid, "")
            for (plural, _), thing in self._in.get(namespace, {}).items()
            if plural == IMAGE_JOBS.plural
        )

    def worker(self, namespace: str, name: str) -> bool:
        """Whether the worker Job of that name, or a pod of it, can't be read."""
        own = self._in.get(namespace, {})
        return any(
            (plural == WORKER_JOBS.plural and known == name)
            or (plural == PODS.plural and known.rpartition("-")[0] == name)
            for plural, known in own
        )

    def holding(self, namespace: str) -> Unreadable | None:
        """Return an object because of which the namespace gets no admission and no worker.

        Its ImageQuota says how many it may have; a worker Job or pod that can't be read counts
        towards that, and may write anywhere.
        """
        own = self._in.get(namespace)
        if not own:
            return None
        workers = (
            each for name, each in own.items() if name[0] in (WORKER_JOBS.plural, PODS.plural)
        )
        return own.get(QUOTA) or next(workers, None)

    def referenced(
        self, namespace: str, stores: Collection[str], profile: str | None
    ) -> Unreadable | None:
        """Return one of these ImageStores and ImageProfile that can't be read."""
        own = self._in.get(namespace)
        if not own:
            return None
        names = [(IMAGE_STORES.plural, store) for store in sorted(stores)]
        if profile is not None:
            names.append((IMAGE_PROFILES.plural, profile))
        return next((own[name] for name in names if name in own), None)

    def is_any_in(self, namespace: str) -> bool:
        return namespace in self._in

    def counts(self) -> Mapping[str, int]:
        """Return how many there are of each kind, by its plural."""
        return Counter(plural for own in self._in.values() for plural, _ in own)
