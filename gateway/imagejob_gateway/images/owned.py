"""ImageJobs by name, and by owner: what one subject may see is found without a look at the rest.

Followers of an image learn of its changes here, whether a watch or our own write brings them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_operator.kube.object_store import ObjectStore

from .kinds import ListedImage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class OwnedImages(ObjectStore[str, ListedImage]):
    """An ObjectStore of ImageJobs; `changed` is called with the name of each that changes."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        super().__init__(lambda image: image.metadata.name)
        self._changed = changed
        self._by_owner: dict[str, dict[str, ListedImage]] = {}

    def of(self, owner: str) -> Iterable[ListedImage]:
        """Return the ImageJobs of an owner, in no order."""
        return self._by_owner.get(owner, {}).values()

    def put(self, thing: ListedImage) -> bool:
        """See ObjectStore."""
        known = self.get(thing.metadata.name)
        is_new = super().put(thing)
        if is_new:
            if known:
                self._disown(known)
            self._by_owner.setdefault(thing.owner, {})[thing.metadata.name] = thing
            self._changed(thing.metadata.name)
        return is_new

    def drop(self, thing: ListedImage) -> bool:
        """See ObjectStore."""
        known = self.get(thing.metadata.name)
        was_there = super().drop(thing)
        if was_there and known:
            self._disown(known)
            self._changed(known.metadata.name)
        return was_there

    def _disown(self, image: ListedImage) -> None:
        images = self._by_owner[image.owner]
        del images[image.metadata.name]
        if not images:
            del self._by_owner[image.owner]
