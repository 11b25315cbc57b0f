"""What keeps a worker from talking to a store."""

from __future__ import annotations


class WireError(Exception):
    """A store can't be talked to; the message says why. `is_retryable`: a retry may help."""

    def __init__(self, message: str, *, is_retryable: bool = False) -> None:
        super().__init__(message)
        self.is_retryable = is_retryable


class ConnectionCutError(WireError):
    """The other side has closed the connection."""

    def __init__(self, message: str = "the connection was cut") -> None:
        super().__init__(message, is_retryable=True)


class AddressRefusedError(WireError):
    """The store's name has only addresses to which workers don't connect."""
