"""ImageStore of imagejob.dev/v1alpha1, as the operator reads it.

A test compares these Structs with crds/imagestores.yaml.
"""

from __future__ import annotations

from .meta import NameRef, ObjectMeta, Resource


class Credentials(Resource, frozen=True):
    """Exactly one of a Secret and a service account whose projected token authenticates to the
    store."""

    secret_ref: NameRef | None = None
    service_account_name: str | None = None
    role_arn: str | None = None


class S3(Resource, frozen=True):
    """A bucket of an S3-compatible service."""

    endpoint: str
    bucket: str
    credentials: Credentials
    region: str = "us-east-1"
    prefix: str | None = None
    path_style: bool = True
    ca_bundle: str | None = None


class Volume(Resource, frozen=True):
    """A folder of a PersistentVolumeClaim."""

    claim_name: str
    sub_path: str | None = None


class ImageStoreSpec(Resource, frozen=True):
    """Exactly one of `s3` and `volume`."""

    s3: S3 | None = None
    volume: Volume | None = None


class ImageStore(Resource, frozen=True):
    """A location in object storage, with the credentials of its own namespace."""

    metadata: ObjectMeta
    spec: ImageStoreSpec
