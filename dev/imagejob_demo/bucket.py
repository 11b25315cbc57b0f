"""The bucket of the demo, through boto3: a client that is not the worker's own."""

from __future__ import annotations

import http
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from imagejob_dev.state import State

NAME = "team-photos"


@dataclass(frozen=True)
class Stored:
    """An object as a browser would get it."""

    data: bytes
    content_type: str


class Bucket:
    """One bucket of an S3 server."""

    def __init__(self, client: Any, name: str = NAME) -> None:  # noqa: ANN401 (boto3 has no types)
        self._client = client
        self.name = name

    @classmethod
    def of(cls, cluster: State) -> Bucket:
        """The demo's, on the cluster's server."""
        options = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2})
        client = boto3.client(
            "s3",
            endpoint_url=cluster.s3_endpoint,
            region_name=cluster.s3_region,
            aws_access_key_id=cluster.s3_access_key,
            aws_secret_access_key=cluster.s3_secret_key,
            config=options,
        )
        return cls(client)

    def create(self) -> None:
        """To be called once."""
        self._client.create_bucket(Bucket=self.name)

    def put(self, key: str, data: bytes) -> None:
        """Store one object."""
        self._client.put_object(Bucket=self.name, Key=key, Body=data)

    def get(self, key: str) -> Stored | None:
        """None if there is no such object."""
        try:
            answer = self._client.get_object(Bucket=self.name, Key=key)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == http.HTTPStatus.NOT_FOUND:
                return None
            raise
        return Stored(answer["Body"].read(), answer["ContentType"])

    def keys(self, prefix: str) -> list[str]:
        """What lies below `prefix`; at most 1,000, which nothing here comes near."""
        answer = self._client.list_objects_v2(Bucket=self.name, Prefix=prefix)
        return [each["Key"] for each in answer.get("Contents", [])]
