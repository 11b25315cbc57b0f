"""How an item can fail: the reasons that a worker reports, and the exception that carries one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from imagejob_worker.contract.facts import SourceFacts

Reason = Literal[
    "SourceNotFound",  # no such object in the store
    "AccessDenied",  # the store refuses, and would refuse again: credentials, locks, archives
    "StorageUnavailable",  # the store can't be reached, or may do it for a later worker
    "ChecksumMismatch",  # the source is not the content that spec.source.sha256 names
    "SourceChanged",  # the source is not the content that an earlier attempt read
    "InvalidSpec",  # an output would be stored over its own source, or a store is described wrongly
    "UnsupportedFormat",  # not an image, or of a format that the platform doesn't allow
    "CorruptImage",  # an image that is damaged, cut short, or crashes its decoder
    "TooLarge",  # more bytes, pixels or frames than the limits allow, or bytes than a store takes
    "OutOfMemory",  # processing needed more memory than a child process may have
    "TimedOut",  # processing took longer than spec.timeoutSeconds
    "Internal",  # a fault of the worker itself
]


class NeedsMemory(Exception):  # noqa: N818 (how an attempt ends, not a fault of the program)
    """An item isn't processed here: by its header it takes `memory` bytes, and fewer are allowed.

    No failure of the item: a worker that has so much processes it.
    """

    def __init__(self, memory: int, source: SourceFacts) -> None:
        super().__init__(memory)
        self.memory = memory
        self.source = source


class ItemFailure(Exception):  # noqa: N818 (how an item ends, not a fault of the program)
    """An item ends with `reason`; `message` is one line for users.

    `source` is what was known about the source by then, if anything.
    """

    def __init__(self, reason: Reason, message: str, source: SourceFacts | None = None) -> None:
        super().__init__(reason, message)
        self.reason: Reason = reason
        self.message = message
        self.source = source
