"""An ImageJob as it would run, or why it can't: the operator's two steps in one."""

from __future__ import annotations

from collections.abc import Mapping

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.config.platform import Platform
from imagejob_operator.imagejob import resolve as resolving
from imagejob_operator.imagejob.resolve import Held, Refused, Resolved


def resolve(
    job: ImageJob,
    profile: ImageProfile | None,
    stores: Mapping[str, ImageStore],
    platform: Platform,
) -> Resolved | Held | Refused:
    """The obstacle, if there is one."""
    found = resolving.obstacle(job, profile, stores)
    return found or resolving.resolve(job, profile, stores, platform)
