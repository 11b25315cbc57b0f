"""What follows when a worker finds from a source's header that it takes more memory."""

from __future__ import annotations

from imagejob_operator.api.quantity import describe_bytes
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.contract.report import Failed, Needs, Read
from imagejob_operator.kube.worker import Worker

from .inputs import JobState


def larger_worker(
    item: OrderItem, worker: Worker, needs: Needs, platform: Platform
) -> JobState | None:
    """The next worker has the memory, and it costs no attempt: nothing was tried.

    Only once, for a report may say anything: the next order records it, and so shows that its
    worker was sized by it. None if it was, and if no size is enough or larger than this worker's.
    """
    order, size = worker.job.order, platform.size_for(needs.memory)
    had = order.child_memory_bytes if order else 0
    if item.memory_bytes is not None or not size:
        return None
    if platform.memory_of(size).child_bytes <= had:
        return None
    message = f"{_takes(needs)}, and its worker had less; another worker follows"
    return JobState(
        "Queued",
        Reason.NEEDS_MEMORY,
        message,
        item,
        worker,
        read=Read(needs.source),
        memory_bytes=needs.memory,
    )


def refusal(needs: Needs, platform: Platform) -> Failed:
    """No worker has so much, or the one that was sized by it has found the same again."""
    most = describe_bytes(platform.large_memory.child_bytes)
    message = f"{_takes(needs)}, more than its worker had; the largest worker has {most}"
    return Failed("TooLarge", message, 0, needs.source)


def _takes(needs: Needs) -> str:
    return f"by its header it takes {describe_bytes(needs.memory)} of memory"
