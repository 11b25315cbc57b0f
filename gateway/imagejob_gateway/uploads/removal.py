"""Deleting an image with what is stored of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_gateway.images.outputs import store_of_outputs

if TYPE_CHECKING:
    from imagejob_gateway.images.api import ImagesApi
    from imagejob_gateway.images.kinds import Image
    from imagejob_gateway.storage.buckets import Buckets


def objects_of(image: Image, prefix: str) -> list[tuple[str, str]]:
    """Return the store and key of the original that the gateway has stored, and of each output.

    An ImageJob that isn't the gateway's has none: its source may serve others. `prefix` is where
    originals are.
    """
    if not image.owner:
        return []
    source, outputs = image.spec.source, store_of_outputs(image)
    own = [(source.store_ref.name, source.key)] if source.key.startswith(f"{prefix}/") else []
    return own + [(outputs, output.key) for output in image.status.outputs]


async def remove(image: Image, prefix: str, images: ImagesApi, buckets: Buckets) -> None:
    """Delete the objects, then the ImageJob. Raises ProblemError; a repetition does the rest.

    What is in a store that the gateway doesn't have stays.
    """
    for store, key in objects_of(image, prefix):
        if store in buckets.names:
            await buckets.open(store).remove(key)
    await images.delete(image.metadata.name, image.metadata.uid)
