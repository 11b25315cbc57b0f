"""How long the operator waits before it reports or acts."""

from __future__ import annotations

from datetime import timedelta

import msgspec


class Timings(msgspec.Struct, frozen=True):
    """Only tests override these, with shorter times."""

    settle: timedelta = timedelta(seconds=1)
    """How long an intermediate state must last to be written: a short job costs one write."""

    patience: timedelta = timedelta(seconds=10)
    """How long a pod may take to be made and placed before the status says that it is not."""

    refused_for: timedelta = timedelta(seconds=15)
    """How long to wait before creating a refused worker again, or asking about it again."""

    replaced_after: timedelta = timedelta(seconds=60)
    """When a pod that the kubelet can't start is replaced by one with the current settings."""
