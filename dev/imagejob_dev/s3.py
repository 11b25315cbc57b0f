"""A real S3 server (versitygw) over a folder, with buckets that a person can look into."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagejob_dev.ports import LOOPBACK
from imagejob_dev.program import Program

if TYPE_CHECKING:
    from imagejob_dev.guard import Guard

REGION = "us-east-1"


@dataclass(frozen=True)
class Credentials:
    access_key: str = field(default_factory=lambda: "dev-" + secrets.token_hex(8))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(24), repr=False)


class S3Server(Program):
    """Objects are the files `<folder>/<bucket>/<key>`. `stop` and `start` make an outage."""

    region = REGION

    def __init__(
        self,
        program: Path,
        folder: Path,
        log: Path,
        port: int,
        guard: Guard,
        address: str = LOOPBACK,
    ) -> None:
        self.credentials = Credentials()
        self.endpoint = f"http://{address}:{port}"
        self.folder = folder
        self._listener = (address, port)
        folder.mkdir(parents=True, exist_ok=True)
        options = [f"--port={address}:{port}", f"--region={REGION}", "--quiet"]
        super().__init__(
            [program, *options, "posix", *_metadata_options(folder), folder],
            log,
            guard,
            self._listens,
            environment={
                "ROOT_ACCESS_KEY_ID": self.credentials.access_key,
                "ROOT_SECRET_ACCESS_KEY": self.credentials.secret_key,
            },
            grace=2.0,
        )

    def client(self, **overrides: Any) -> Any:  # noqa: ANN401 (boto3 has no types)
        """A boto3 client for the root account; `overrides` go to boto3."""
        # Here, because they take 0.2 s and only tests and the demo want them. They have no types.
        import boto3
        from botocore.config import Config

        settings: dict[str, Any] = {
            "endpoint_url": self.endpoint,
            "region_name": REGION,
            "aws_access_key_id": self.credentials.access_key,
            "aws_secret_access_key": self.credentials.secret_key,
            "config": Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        }
        return boto3.client("s3", **(settings | overrides))

    def make_bucket(self, name: str) -> str:
        client = self.client()
        client.create_bucket(Bucket=name)
        client.close()
        return name

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(self._listener) == 0


def _metadata_options(folder: Path) -> list[str]:
    """Content types and the like live in extended attributes, which not every file system has."""
    try:
        os.setxattr(folder, "user.imagejob-dev", b"1")
    except OSError:
        sidecar = folder.with_name(folder.name + "-metadata")
        sidecar.mkdir(exist_ok=True)
        return [f"--sidecar={sidecar}"]
    return []
