"""The pages state the operator's real maximum batch."""

from __future__ import annotations

import pytest
from imagejob_operator.api.batch import MAX_BATCH
from support.paths import ROOT

SAID = {
    "README.md": f"Up to {MAX_BATCH} ImageJobs share a worker",
    "docs/index.md": f"up to {MAX_BATCH} share a worker",
    "docs/lifecycle.md": f"up to {MAX_BATCH} ImageJobs",
    "docs/quota.md": f"up to {MAX_BATCH} ImageJobs",
    "docs/batching.md": f"up to {MAX_BATCH} ImageJobs",
    "docs/metrics.md": f"from 1 to {MAX_BATCH}.",
    "docs/scaling.md": f"| ImageJobs in one worker | {MAX_BATCH},",
    "docs/work-order.md": f"`items`: 1 to {MAX_BATCH},",
}


@pytest.mark.parametrize("page", SAID)
def test_the_page_gives_the_largest_batch(page: str) -> None:
    assert SAID[page] in " ".join((ROOT / page).read_text().split())
