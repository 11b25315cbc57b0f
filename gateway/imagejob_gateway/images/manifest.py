"""The ImageJob of an upload."""

from __future__ import annotations

import msgspec
from imagejob_operator.api.imagejob import ImageJobSpec, Source
from imagejob_operator.api.meta import API_VERSION, Manifest, NameRef

from .kinds import ON_BEHALF_OF, OWNER_LABEL, UPLOAD_LABEL


class NewImage(msgspec.Struct, frozen=True):
    """What is known of an upload once its bytes are stored; `sha256` is in hex.

    `owner` and `on_behalf_of` are the caller's: a digest to find it by, and the name for people.
    `upload` is the id of the attempt that creates it.
    """

    name: str
    owner: str
    profile: str
    store: str
    key: str
    sha256: str
    on_behalf_of: str
    upload: str


def manifest(new: NewImage, namespace: str) -> Manifest:
    """Build the ImageJob: its digest pins what the worker may process."""
    source = Source(NameRef(new.store), new.key, sha256=new.sha256)
    return {
        "apiVersion": API_VERSION,
        "kind": "ImageJob",
        "metadata": {
            "name": new.name,
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/managed-by": "imagejob-gateway",
                OWNER_LABEL: new.owner,
                UPLOAD_LABEL: new.upload,
            },
            "annotations": {ON_BEHALF_OF: new.on_behalf_of},
        },
        "spec": msgspec.to_builtins(ImageJobSpec(source, profile_ref=NameRef(new.profile))),
    }
