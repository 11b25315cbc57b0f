"""The ImageStore of imagejob.dev/v1alpha1, as the operator reads it.

A test holds these Structs to crds/imagestores.yaml.
"""

from __future__ import annotations

from .meta import NameRef, ObjectMeta, Resource


class Credentials(Resource, frozen=True):
    """Exactly one of a Secret and a service account whose projected token opens the store."""

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
    """Exactly one of the two."""

    s3: S3 | None = None
    volume: Volume | None = None


class ImageStore(Resource, frozen=True):
    """One place in object storage, and what of its own namespace opens it."""

    metadata: ObjectMeta
    spec: ImageStoreSpec
