"""What the API server's refusals and failures are raised as."""

from __future__ import annotations

from datetime import timedelta


class ApiError(Exception):
    """The API server refused, failed or didn't answer. `status` is HTTP's; 0 if it is unreachable.

    `retry_after` is the pause that the server asks for.
    """

    def __init__(self, status: int, message: str, retry_after: timedelta = timedelta()) -> None:
        super().__init__(f"{status}: {message}" if status else message)
        self.status = status
        self.message = message
        self.retry_after = retry_after

    @property
    def is_refusal(self) -> bool:
        """Whether the server understood the request and rejected it, so that a retry is useless."""
        return self.status in (400, 403, 404, 409, 413, 422)

    @property
    def is_outage(self) -> bool:
        """Whether the cause is the API server or the way to it, and not this request.

        A 500 may be that of a webhook for one object.
        """
        return self.status in (401, 429, 502, 503, 504)


class UnreachableError(ApiError):
    """There was no response, or the connection broke during it."""

    def __init__(self, message: str) -> None:
        super().__init__(0, message)

    @property
    def is_outage(self) -> bool:
        """True."""
        return True


class ConflictError(ApiError):
    """409: another writer was first. Read again and decide again."""


class NotFoundError(ApiError):
    """404: there is no such object."""


class ExpiredError(ApiError):
    """410: the resource version or page token is too old. List again."""


class TooLargeError(ApiError):
    """The response exceeds `limit` bytes and was not read completely."""

    def __init__(self, limit: int) -> None:
        super().__init__(0, f"the response exceeds {limit} bytes")


class FencedError(ApiError):
    """Not sent: another operator may lead by now."""

    def __init__(self, message: str) -> None:
        super().__init__(0, message)


ERRORS: dict[int, type[ApiError]] = {
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
}
