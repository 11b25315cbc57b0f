"""Signed requests to one bucket, by botocore: it makes no request.

boto3's client is the same, with methods that transfer files, and a tenth of the gateway's start for
them (docs/decisions/0053).

A signed URL is a credential: it is made anew for each use, and appears in no log.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from botocore.config import Config
from botocore.session import Session
from botocore.utils import percent_encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagejob_operator.api.imagestore import S3

    from .credentials import Credentials

Operation = Literal[
    "copy_object", "delete_object", "get_object", "head_bucket", "head_object", "put_object"
]

HEADERS = {
    "ChecksumMode": "x-amz-checksum-mode",
    "ChecksumSHA256": "x-amz-checksum-sha256",
    "ContentLength": "Content-Length",
    "ContentMD5": "Content-MD5",
    "ContentType": "Content-Type",
    "CopySource": "x-amz-copy-source",
    "CopySourceIfMatch": "x-amz-copy-source-if-match",
    "IfMatch": "If-Match",
    "IfNoneMatch": "If-None-Match",
    "MetadataDirective": "x-amz-metadata-directive",
    "Range": "Range",
}
"""boto3's parameter → the header that it is, which is signed. The others are part of the URL."""


class Signed(NamedTuple):
    """A request as it has to be sent: its URL, and the headers that are signed with it."""

    url: str
    headers: Mapping[str, str]


class Form(NamedTuple):
    """A form that uploads a file: where to, and the fields to send before it."""

    url: str
    fields: Mapping[str, str]


class Signer:
    """Signs for one bucket with one set of credentials.

    With an `endpoint`, URLs lead there in place of the store's own.
    """

    def __init__(self, s3: S3, credentials: Credentials, endpoint: str = "") -> None:
        self.bucket = s3.bucket
        # Given credentials: otherwise it would look for variables, files and a metadata service.
        self._client: Any = _session().create_client(
            "s3",
            region_name=s3.region,
            aws_access_key_id=credentials.key_id,
            aws_secret_access_key=credentials.secret,
            aws_session_token=credentials.session,
            endpoint_url=endpoint or s3.endpoint,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if s3.path_style else "virtual"},
                # Otherwise a checksum that only the sender can know is signed along.
                request_checksum_calculation="when_required",
            ),
        )

    def __call__(self, operation: Operation, seconds: int, **parameters: str | int) -> Signed:
        """Return a request that is valid for so many seconds."""
        url: str = self._client.generate_presigned_url(
            operation, Params={"Bucket": self.bucket, **parameters}, ExpiresIn=seconds
        )
        return Signed(
            url,
            {
                HEADERS[name]: _sent(name, value)
                for name, value in parameters.items()
                if name in HEADERS
            },
        )

    def form(self, key: str, seconds: int, length: int, fields: Mapping[str, str]) -> Form:
        """Return a form that uploads so many bytes under exactly this key, with these fields."""
        conditions = [{name: value} for name, value in fields.items()]
        answer = self._client.generate_presigned_post(
            self.bucket,
            key,
            Fields=dict(fields),
            Conditions=[*conditions, ["content-length-range", length, length]],
            ExpiresIn=seconds,
        )
        return Form(answer["url"], answer["fields"])


@cache
def _session() -> Session:
    """One for all signers: each would read the description of S3 again, a megabyte of JSON."""
    return Session()


def _sent(name: str, value: str | int) -> str:
    """Return a header's value as boto3 signs it."""
    return percent_encode(value, safe="-._~/") if name == "CopySource" else str(value)
