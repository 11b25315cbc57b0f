"""ImageProfile of imagejob.dev/v1alpha1, as the operator reads it."""

from __future__ import annotations

from .imagejob import Limits, Metadata, Output
from .meta import ObjectMeta, Resource


class ImageProfileSpec(Resource, frozen=True):
    """A named, reusable set of outputs, metadata policy and limits."""

    outputs: tuple[Output, ...]
    metadata: Metadata | None = None
    limits: Limits | None = None


class ImageProfile(Resource, frozen=True):
    """A named, reusable set of outputs, metadata policy and limits."""

    metadata: ObjectMeta
    spec: ImageProfileSpec
