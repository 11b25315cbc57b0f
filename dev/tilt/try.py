"""Upload an image and have it processed: python dev/tilt/try.py IMAGE

The team is that of dev/tilt/team.yaml, or of --team; its S3 server is forwarded to localhost:7070,
or reached at --endpoint. Needs kubectl.
"""

from __future__ import annotations

import argparse
import json
import secrets
import subprocess
import sys
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import yaml

TEAM = Path(__file__).with_name("team.yaml")
SECONDS = 120


def main() -> int:
    """0 when the image is processed, 1 when it failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("--team", type=Path, default=TEAM)
    parser.add_argument("--endpoint", default="http://localhost:7070")
    arguments = parser.parse_args()

    secret, store, *_ = yaml.safe_load_all(arguments.team.read_text())
    namespace, bucket = store["metadata"]["namespace"], store["spec"]["s3"]["bucket"]
    key = f"incoming/{arguments.image.name}"
    upload(arguments.endpoint, secret["stringData"], bucket, key, arguments.image.read_bytes())
    name = f"try-{secrets.token_hex(3)}"  # each try is an ImageJob of its own
    return process(namespace, name, image_job(name, key, store["metadata"]["name"]))


def upload(endpoint: str, keys: dict[str, str], bucket: str, key: str, data: bytes) -> None:
    """Store the object, in a bucket that is made if there is none."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    if bucket not in {each["Name"] for each in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key=key, Body=data)
    client.close()


def image_job(name: str, key: str, store: str) -> dict[str, object]:
    """What is applied."""
    return {
        "apiVersion": "imagejob.dev/v1alpha1",
        "kind": "ImageJob",
        "metadata": {"name": name},
        "spec": {
            "source": {"storeRef": {"name": store}, "key": key},
            "profileRef": {"name": "web"},
        },
    }


def process(namespace: str, name: str, job: dict[str, object]) -> int:
    """Apply it, wait for its end and print its result. Returns 0 if it succeeded."""
    kubectl = ("kubectl", f"--namespace={namespace}")
    subprocess.run([*kubectl, "apply", "-f", "-"], input=json.dumps(job), text=True, check=True)
    thing = f"imagejob/{name}"
    waiting = ("wait", "--for=condition=Finished", f"--timeout={SECONDS}s", thing)
    subprocess.run([*kubectl, *waiting], check=False)
    subprocess.run([*kubectl, "get", thing, "--output=wide"], check=True)
    asking = ("wait", "--for=condition=Ready", "--timeout=0", thing)
    return subprocess.run([*kubectl, *asking], check=False, capture_output=True).returncode


if __name__ == "__main__":
    sys.exit(main())
