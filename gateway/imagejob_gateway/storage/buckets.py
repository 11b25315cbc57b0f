"""The stores that the gateway may use, each opened as its ImageStore and Secret are now."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError
from imagejob_operator.observability.logging import fields

from imagejob_gateway.problem import ProblemError, ProblemReason

from . import credentials
from .bucket import Bucket
from .signer import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    import aiohttp
    from imagejob_operator.api.imagestore import S3, ImageStore

    from imagejob_gateway.config import StoreSettings

    from .credentials import Credentials

    FindStore = Callable[[str], ImageStore | None]


log = logging.getLogger(__name__)


class _Opened(NamedTuple):
    s3: S3
    credentials: Credentials
    bucket: Bucket


class Buckets:
    """Buckets by the names of their ImageStores.

    `is_own` is whether a URL leads to the gateway's own host: clients that are redirected there
    would send their tokens along.
    """

    def __init__(
        self,
        settings: Iterable[StoreSettings],
        find: FindStore,
        session: aiohttp.ClientSession,
        is_own: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._settings = {each.name: each for each in settings}
        self._find = find
        self._session = session
        self._is_own = is_own
        self._opened: dict[str, _Opened] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The stores that the gateway may use."""
        return tuple(self._settings)

    def open(self, name: str) -> Bucket:
        """Return a bucket, with the credentials that the Secret has now. Raises ProblemError."""
        settings, store = self._settings.get(name), self._find(name)
        s3 = store.spec.s3 if store else None
        if settings is None:
            why = f"The store {name} isn't among the gateway's."
            raise ProblemError(ProblemReason.STORE_NOT_FOUND, why)
        if s3 is None:
            why = f"The ImageStore {name} doesn't exist, or isn't a bucket."
            raise ProblemError(ProblemReason.STORE_NOT_FOUND, why)
        current = credentials.read(name, settings.credentials)
        opened = self._opened.get(name)
        if opened is None or (opened.s3, opened.credentials) != (s3, current):
            try:
                bucket = self._bucket(settings, s3, current)
            except (BotoCoreError, ValueError, OSError) as error:  # of TLS: an OSError
                raise _undescribed(name, error) from error
            self._opened[name] = opened = _Opened(s3, current, bucket)
        return opened.bucket

    def seconds_left(self, name: str, now: datetime) -> float:
        """Return how long signatures by a store's credentials are valid. Raises ProblemError."""
        return credentials.read(name, self._settings[name].credentials).seconds_left(now)

    def _bucket(self, settings: StoreSettings, s3: S3, current: Credentials) -> Bucket:
        signer = Signer(s3, current)
        public = (
            Signer(s3, current, settings.public_endpoint) if settings.public_endpoint else signer
        )
        if self._is_own(public("head_bucket", 1).url):
            raise ValueError("clients would be sent to the gateway's own host")
        context = ssl.create_default_context(cadata=s3.ca_bundle) if s3.ca_bundle else True
        return Bucket(settings, s3.prefix or "", self._session, signer, public, context)


def _undescribed(name: str, error: Exception) -> ProblemError:
    """Of what an ImageStore may say, and botocore or OpenSSL don't take, such as a caBundle."""
    log.warning("the ImageStore can't be used as it is: %s", error, extra=fields(store=name))
    detail = f"The store {name} can't be used as its ImageStore describes it."
    return ProblemError(ProblemReason.STORE_NOT_FOUND, detail)
