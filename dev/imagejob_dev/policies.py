"""Whether the API server acts on this repository's admission policies.

It does so some time after they exist: it has to notice them and what they are given, and to read
the schemas of new kinds, for which it looks every five seconds. Until then it creates ImageJobs
unstamped, or refuses them with 503, which it does after each of its starts, too; and it refuses
every ImageStore, or none.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from imagejob_dev.errors import DevError
from imagejob_dev.rest import ApiError

if TYPE_CHECKING:
    from imagejob_dev.rest import Object, Rest

REQUESTED_BY = "imagejob.dev/requested-by"
POLICY = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies/imagejob-requester"
IN_FORCE_SECONDS = 30.0
ANY = "https://s3.test"
ALLOWED = "http://127.0.0.1:9000"
"""An endpoint that the dev cluster allows."""
API_VERSION = "imagejob.dev/v1alpha1"
JOB = {
    "apiVersion": API_VERSION,
    "kind": "ImageJob",
    "metadata": {"generateName": "probe-"},
    "spec": {
        "source": {"storeRef": {"name": "uploads"}, "key": "probe"},
        "profileRef": {"name": "web"},
    },
}


FORGED = JOB | {
    "metadata": {
        "generateName": "probe-",
        "annotations": {"imagejob.dev/on-behalf-of": "https://issuer.test#probe"},
    }
}


def in_force_if_installed(rest: Rest, namespace: str) -> bool:
    """Whether the API server acts on them, or need not. `namespace` is any that exists."""
    return not rest.answers(POLICY) or not _missing(rest, namespace)


def wait_in_force(rest: Rest, namespace: str, allowed: str = ALLOWED) -> None:
    """Create an ImageJob and ImageStores in `namespace`, as dry runs, until all goes as it should.

    `allowed` is an endpoint that ImageStores may have there.
    Where there are several API servers, only one of them has been asked. DevError, with what came
    back, after 30 s.
    """
    deadline = time.monotonic() + IN_FORCE_SECONDS
    while missing := _missing(rest, namespace, allowed):
        if time.monotonic() > deadline:
            raise DevError(f"{missing} (after {IN_FORCE_SECONDS:.0f} s)")
        time.sleep(0.05)


def _missing(rest: Rest, namespace: str, allowed: str | None = None) -> str:
    """What is not in force, and what the API server answered; empty if all is.

    Without `allowed`, it is enough that the API server knows where ImageStores may be.
    """
    answer = _create(rest, namespace, "imagejobs", JOB)
    if isinstance(answer, ApiError) or REQUESTED_BY not in answer["metadata"].get(
        "annotations", {}
    ):
        return f"ImageJobs get no annotation {REQUESTED_BY}: {answer}"
    answer = _create(rest, namespace, "imagejobs", FORGED)
    if "imagejob-on-behalf-of" not in str(answer):
        return f"an ImageJob on behalf of somebody isn't refused: {answer}"
    answer = _create(rest, namespace, "imagestores", _store("http://169.254.169.254"))
    if "imagejob-store-addresses" not in str(answer):
        return f"an ImageStore at a metadata service isn't refused: {answer}"
    answer = _create(rest, namespace, "imagestores", _store(allowed or ANY))
    is_known = allowed is None and "the platform allows no ImageStore" in str(answer)
    if isinstance(answer, ApiError) and not is_known:
        return f"ImageStores are refused: {answer}"
    return ""


def _store(endpoint: str) -> Object:
    credentials = {"secretRef": {"name": "probe"}}
    s3 = {"endpoint": endpoint, "bucket": "probe", "credentials": credentials}
    meta = {"generateName": "probe-"}
    return {"apiVersion": API_VERSION, "kind": "ImageStore", "metadata": meta, "spec": {"s3": s3}}


def _create(rest: Rest, namespace: str, plural: str, body: Object) -> Object | ApiError:
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/{plural}?dryRun=All"
    try:
        return rest.post(path, body)
    except ApiError as error:
        return error
