"""Pulls of images: nothing of an image is used here, so each succeeds, but those made to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_dev.processnode.sources import NotYet

if TYPE_CHECKING:
    from imagejob_dev.processnode.api import Object

MISSING = "missing"


class Images:
    """The images of one pod. `missing`, of any registry and tag, can't be pulled.

    A kubelet reports ErrImagePull after each try and ImagePullBackOff between two; here a pod is
    tried twice a second, so only the first try reports the one, and all later ones the other.
    """

    def __init__(self) -> None:
        self._tried: set[str] = set()

    def pull(self, pod: Object) -> None:
        """NotYet if an image is missing."""
        for container in pod["spec"]["containers"]:
            image = container.get("image", "")
            if _repository(image) == MISSING:
                raise self._failure(image)

    def _failure(self, image: str) -> NotYet:
        error = f'failed to pull and unpack image "{image}": {image}: not found'
        if image not in self._tried:
            self._tried.add(image)
            return NotYet("ErrImagePull", error, event="Failed")
        message = f'Back-off pulling image "{image}": ErrImagePull: {error}'
        return NotYet("ImagePullBackOff", message, event="BackOff")


def _repository(image: str) -> str:
    """`web` of `registry.example:5000/team/web:v1@sha256:…`."""
    last = image.rpartition("/")[2]
    return last.partition("@")[0].partition(":")[0]
