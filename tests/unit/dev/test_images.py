"""Which images the process node can't pull, and what it reports then."""

from __future__ import annotations

import pytest
from imagejob_dev.processnode.images import Images
from imagejob_dev.processnode.sources import NotYet


def pull(images: Images, image: str) -> None:
    images.pull({"spec": {"containers": [{"name": "main", "image": image}]}})


@pytest.mark.parametrize(
    "image",
    [
        "imagejob/worker:dev",
        "missing/worker:v1",
        "missing.example:5000/worker",
        "registry.example/worker:missing",
        "not-missing",
    ],
)
def test_there(image: str) -> None:
    pull(Images(), image)


@pytest.mark.parametrize(
    "image",
    [
        "missing",
        "imagejob/missing:dev",
        "registry.example:5000/team/missing",
        f"registry.example/missing@sha256:{'0' * 64}",
    ],
)
def test_missing(image: str) -> None:
    images, said = Images(), []
    for _ in range(3):
        with pytest.raises(NotYet, match=f'"{image}".*: not found') as missing:
            pull(images, image)
        said.append(missing.value.reason)

    assert said == ["ErrImagePull", "ImagePullBackOff", "ImagePullBackOff"]
