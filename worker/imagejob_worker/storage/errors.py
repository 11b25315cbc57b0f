"""Turn a store's errors into ItemFailures, with a reason and a message for users."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.storage.answers import Meaning, meaning, plain
from imagejob_worker.storage.client import StatusError
from imagejob_worker.storage.faults import AddressRefusedError, WireError
from imagejob_worker.storage.transfer import DeadlineError, TooSlowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.storage import Doing

# How servers with TLS answer a request without: Go's, and nginx.
_WANT_TLS = ("sent an HTTP request to an HTTPS server", "request was sent to HTTPS port")

_MOST_OF_MESSAGE = 200
"""How much of a store's own message is shown."""


class Subject(NamedTuple):
    """What an error is about, as messages name it."""

    store: str
    bucket: str = ""


def failure(error: Exception, subject: Subject, doing: Doing, key: str) -> ItemFailure:
    """Return the failure for an error while `doing` something with `key`."""
    if isinstance(error, AddressRefusedError):
        # Not the store refuses, as the usual words would say.
        return ItemFailure("AccessDenied", f"store {subject.store} can't {doing} {key}: {error}")
    if not isinstance(error, StatusError):
        return _failure(Meaning("StorageUnavailable"), str(error), subject, doing, key)
    answer = error.answer
    if any(words in answer.text for words in _WANT_TLS):
        words = "it speaks TLS; is its endpoint https://?"
        return _failure(Meaning("StorageUnavailable"), words, subject, doing, key)
    found = meaning(answer, reads=doing == "read")
    words = found.words.format(bucket=subject.bucket, region=answer.region)
    if found.reason == "SourceNotFound":  # the usual code and its message add nothing
        return _failure(found, words, subject, doing, key)
    # The code first: a full report may cut messages to 58 characters.
    head = answer.code or str(error)
    if target := plain(answer.redirects_to, error.secrets):
        head = f"{head} to {target}, which isn't followed"
    detail = f"{head}: {words}" if words else head
    if said := plain(answer.message, error.secrets, _MOST_OF_MESSAGE):
        detail = f'{detail}; the store says "{said}"'
    return _failure(found, detail, subject, doing, key)


@contextmanager
def as_item_failure(subject: Subject, doing: Doing, key: str) -> Iterator[None]:
    """Raise a store's errors as ItemFailure."""
    try:
        yield
    except (WireError, DeadlineError, TooSlowError) as error:
        raise failure(error, subject, doing, key) from error


def _failure(found: Meaning, detail: str, subject: Subject, doing: Doing, key: str) -> ItemFailure:
    match found.reason:
        case "AccessDenied":
            head = f"store {subject.store} refused to {doing} {key}"
        case "SourceNotFound":
            head = f"store {subject.store} has no object {key}"
        case _:
            head = f"store {subject.store} can't {doing} {key}"
    return ItemFailure(found.reason, f"{head}: {detail}" if detail else head)
