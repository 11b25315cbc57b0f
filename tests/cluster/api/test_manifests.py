"""What the real API server accepts, what it rejects, and whether it names the wrong field.

The first line of a file in tests/data/manifests/bad says what must be rejected and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from support.api import IMAGING, RefusedError
from support.paths import DATA, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.cluster import Cluster
    from support.api import Api, Body

GOOD = sorted((DATA / "manifests/good").glob("*.yaml"))
BAD = sorted((DATA / "manifests/bad").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def name(file: Path) -> str:
    return file.stem


def try_out(api: Api, file: Path) -> Body:
    """Like `kubectl create --dry-run=server`, which rejects unknown fields."""
    body = yaml.safe_load(file.read_text())
    plural = f"{body['kind'].lower()}s"
    return api.post(f"{IMAGING}/default/{plural}?dryRun=All&fieldValidation=Strict", body)


@pytest.mark.parametrize("file", [*GOOD, *EXAMPLES], ids=name)
def test_accepted(api: Api, file: Path) -> None:
    assert try_out(api, file)["metadata"]["uid"]


@pytest.mark.parametrize("file", BAD, ids=name)
def test_refused(api: Api, file: Path) -> None:
    first = file.read_text().splitlines()[0]
    field, _, why = first.removeprefix("# refused: ").partition(": ")

    with pytest.raises(RefusedError) as refusal:
        try_out(api, file)

    assert complains(refusal.value, field, why)


def complains(refusal: RefusedError, field: str, why: str) -> bool:
    """Whether the API server reports that complaint about this field."""
    if why == "unknown field":
        return f'unknown field "{field}"' in str(refusal)
    return any(each == field and why in message for each, message in refusal.causes)


def test_kubectl_says_it_too(cluster: Cluster) -> None:
    """Other cases ask the API server itself."""
    good, *_ = GOOD

    answer = cluster.kubectl("apply", "--dry-run=server", f"--filename={good}")

    assert "(server dry run)" in answer


def test_there_are_enough_of_both() -> None:
    assert len(GOOD) >= 18
    assert len(BAD) >= 55
