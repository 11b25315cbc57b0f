"""What the real API server takes, what it refuses, and whether it says which field is wrong.

A file in tests/data/manifests/bad says in its first line what must be refused and why.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.errors import DevError
from support.paths import DATA, ROOT

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster

GOOD = sorted((DATA / "manifests/good").glob("*.yaml"))
BAD = sorted((DATA / "manifests/bad").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def name(file: Path) -> str:
    return file.stem


@pytest.mark.parametrize("file", [*GOOD, *EXAMPLES], ids=name)
def test_accepted(cluster: Cluster, file: Path) -> None:
    answer = cluster.kubectl("apply", "--dry-run=server", f"--filename={file}")

    assert "(server dry run)" in answer


@pytest.mark.parametrize("file", BAD, ids=name)
def test_refused(cluster: Cluster, file: Path) -> None:
    first = file.read_text().splitlines()[0]
    field, _, why = first.removeprefix("# refused: ").partition(": ")

    with pytest.raises(DevError) as refusal:
        cluster.kubectl("apply", "--dry-run=server", f"--filename={file}")

    assert complains(str(refusal.value), field, why)


def complains(text: str, field: str, why: str) -> bool:
    """Whether the API server's answer says of this field that."""
    if why == "unknown field":
        return f'unknown field "{field}"' in text
    return bool(re.search(rf"[ \[]{re.escape(field)}: .*{re.escape(why)}", text))


def test_there_are_enough_of_both() -> None:
    assert len(GOOD) >= 18
    assert len(BAD) >= 55
