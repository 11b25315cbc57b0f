"""The Secret and the ImageStore of this run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from imagejob_dev.state import State

HEADING = """\
# Written by `make demo` from {example}: address and credentials are others in each run.
"""


def manifests(cluster: State, bucket: str, example: Path) -> str:
    """As YAML: the example's ImageStore for the cluster's S3 server, and the Secret it names."""
    store = yaml.safe_load(example.read_text())
    store["spec"]["s3"] |= {
        "endpoint": cluster.s3_endpoint,
        "region": cluster.s3_region,
        "bucket": bucket,
        "pathStyle": True,
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": store["spec"]["s3"]["credentials"]["secretRef"]["name"]},
        "stringData": {
            "AWS_ACCESS_KEY_ID": cluster.s3_access_key,
            "AWS_SECRET_ACCESS_KEY": cluster.s3_secret_key,
        },
    }
    documents: str = yaml.safe_dump_all([secret, store], sort_keys=False)
    return HEADING.format(example=example) + documents
