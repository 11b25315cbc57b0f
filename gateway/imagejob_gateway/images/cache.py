"""The namespace as the gateway knows it, which reflectors keep current.

An ImageJob that the gateway has just created is in it at once: whoever uploads may list next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from imagejob_operator.kube.object_store import ObjectStore
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import IMAGE_PROFILES, IMAGE_QUOTAS, IMAGE_STORES, Kind

from .followers import Followers
from .kinds import LISTED, WATCHED, ListedImage
from .owned import OwnedImages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imagejob_operator.api.imageprofile import ImageProfile
    from imagejob_operator.api.imagequota import ImageQuota
    from imagejob_operator.api.imagestore import ImageStore
    from imagejob_operator.kube.client import Change, Cluster
    from imagejob_operator.kube.object_store import HasMetadata

QUOTA = "default"
"""The name of a namespace's only ImageQuota."""


class NamespaceCache:
    """Objects by kind and name. What can't be read is not there; the reader has logged it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.followers = Followers()
        self._images = OwnedImages(self.followers.changed)
        self._objects: dict[str, ObjectStore[str, Any]] = {
            kind.plural: ObjectStore(_name) for kind in WATCHED
        }
        self._objects[LISTED.plural] = self._images

    def images(self, owner: str | None = None) -> Iterable[ListedImage]:
        """Return the ImageJobs of an owner, or all of them, in no order."""
        return self._images if owner is None else self._images.of(owner)

    def image(self, name: str) -> ListedImage | None:
        """Return an ImageJob."""
        return self._images.get(name)

    def profile(self, name: str) -> ImageProfile | None:
        """Return an ImageProfile."""
        return cast("ImageProfile | None", self._objects[IMAGE_PROFILES.plural].get(name))

    def store(self, name: str) -> ImageStore | None:
        """Return an ImageStore."""
        return cast("ImageStore | None", self._objects[IMAGE_STORES.plural].get(name))

    def quota(self) -> ImageQuota | None:
        """Return the namespace's ImageQuota; None if the platform's default applies."""
        return cast("ImageQuota | None", self._objects[IMAGE_QUOTAS.plural].get(QUOTA))

    def put(self, image: ListedImage) -> None:
        """Store an ImageJob that we have just written."""
        self._images.put(image)

    async def take(
        self, kind: Kind[Any], namespace: str = "", heard: Callable[[], None] = lambda: None
    ) -> int:
        """See Lister."""
        objects, uids, version = self._objects[kind.plural], set[str](), 0
        async for page in self._cluster.pages(kind, namespace):
            version = page.version
            for thing in page.items:
                heard()
                uids.add(thing.metadata.uid)
                objects.put(thing)
        for gone in objects.absent_from(uids, version):
            objects.drop(gone)
        objects.forget_left(version)
        return version

    def hear(self, kind: Kind[Any], change: Change[Any]) -> None:
        """See Lister."""
        thing, objects = change.thing, self._objects[kind.plural]
        if thing is None:
            return
        if isinstance(thing, Unreadable):
            known = objects.get(thing.name)
            if known is not None:
                objects.drop(known)
        elif change.type == "DELETED":
            objects.drop(thing)
        else:
            objects.put(thing)


def _name(thing: HasMetadata) -> str:
    return thing.metadata.name
