"""Every test of the operator also shows that its pure functions change none of their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import imagejob_operator.__main__
import pytest
from support.purity import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

PURE = ("imagejob_operator.quota", "imagejob_operator.imagejob", "imagejob_operator.scheduling")

watch = Watch()
assert imagejob_operator.__main__, "so that each module is there, and has the watched functions"
watch.over(*PURE)


@pytest.fixture(autouse=True)
def _watch_pure_functions() -> Iterator[None]:
    watch.renew()
    return
