"""Signed URLs of one bucket, by botocore: it makes no request.

boto3 would add what transfers files, and a sixth to the time of the gateway's start.

A signed URL is a credential: it is made anew for each use, and appears in no log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from botocore.config import Config
from botocore.session import Session

if TYPE_CHECKING:
    from imagejob_operator.api.imagestore import S3

    from .credentials import Credentials

Operation = Literal["get_object", "put_object", "delete_object", "head_bucket"]


class Signer:
    """Signs for one bucket with one set of credentials.

    With an `endpoint`, URLs lead there in place of the store's own.
    """

    def __init__(self, s3: S3, credentials: Credentials, endpoint: str = "") -> None:
        self._bucket = s3.bucket
        # Given credentials: otherwise it would look for variables, files and a metadata service.
        self._client: Any = Session().create_client(
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

    def __call__(self, operation: Operation, seconds: int, **parameters: str) -> str:
        """Return a URL that is valid for so many seconds."""
        url: str = self._client.generate_presigned_url(
            operation, Params={"Bucket": self._bucket, **parameters}, ExpiresIn=seconds
        )
        return url
