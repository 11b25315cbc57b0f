"""Whether the API server acts on this repository's admission policies.

It does so some time after they exist: it has to notice them, and to read the schemas of new kinds,
for which it looks every five seconds. Until then it creates ImageJobs unstamped, or refuses them
with 503, which it does after each of its starts, too.
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
PROBE = {
    "apiVersion": "imagejob.dev/v1alpha1",
    "kind": "ImageJob",
    "metadata": {"generateName": "probe-"},
    "spec": {
        "source": {"storeRef": {"name": "uploads"}, "key": "probe"},
        "profileRef": {"name": "web"},
    },
}


def in_force_if_installed(rest: Rest, namespace: str) -> bool:
    """Whether the API server stamps ImageJobs, or need not. `namespace` is any that exists."""
    return not rest.answers(POLICY) or _is_stamped(_create(rest, namespace))


def wait_in_force(rest: Rest, namespace: str) -> None:
    """Create an ImageJob in `namespace`, as a dry run, until it comes back stamped.

    Where there are several API servers, only one of them has been asked. DevError, with what came
    back, after 30 s.
    """
    deadline = time.monotonic() + IN_FORCE_SECONDS
    while not _is_stamped(answer := _create(rest, namespace)):
        if time.monotonic() > deadline:
            raise DevError(
                f"ImageJobs got no annotation {REQUESTED_BY} within {IN_FORCE_SECONDS:.0f} s. "
                f"The API server's answer to creating one: {answer}"
            )
        time.sleep(0.05)


def _create(rest: Rest, namespace: str) -> Object | ApiError:
    path = f"/apis/imagejob.dev/v1alpha1/namespaces/{namespace}/imagejobs?dryRun=All"
    try:
        return rest.post(path, PROBE)
    except ApiError as error:
        return error


def _is_stamped(answer: Object | ApiError) -> bool:
    if isinstance(answer, ApiError):
        return False
    return REQUESTED_BY in answer["metadata"].get("annotations", {})
