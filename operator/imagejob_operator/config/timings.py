"""How long the operator waits for what may come about by itself."""

from __future__ import annotations

from datetime import timedelta

import msgspec


class Timings(msgspec.Struct, frozen=True):
    """Only tests need to set them, which need not be as patient."""

    settle: timedelta = timedelta(seconds=1)
    """How long an intermediate state must last to be written: a short job costs one write."""

    patience: timedelta = timedelta(seconds=10)
    """How long a pod may take to be made and placed before the status says that it is not."""

    refused_for: timedelta = timedelta(seconds=15)
    """How long a refused worker is not tried, or asked about, again."""

    replaced_after: timedelta = timedelta(seconds=60)
    """When a pod that the kubelet won't start is given up, for one of today's settings."""
