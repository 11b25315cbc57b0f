"""What a child may have, if its container has a limit of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from imagejob_operator.config.platform import SIZES, Platform
from imagejob_worker.sandbox.cgroup import memory_limit, memory_of_a_child

MIB = 1 << 20
PLATFORM = Platform(worker_image="")


@pytest.mark.parametrize("parallelism", [1, 2, 8])
@pytest.mark.parametrize("size", SIZES)
def test_pods_as_the_operator_makes_them_are_large_enough(size: str, parallelism: int) -> None:
    memory = PLATFORM.memory_of(size)  # type: ignore[arg-type]
    limit = memory.pod_bytes_for(parallelism)

    assert memory_of_a_child(memory.child_bytes, parallelism, limit) == memory.child_bytes


@pytest.mark.parametrize(
    ("limit", "parallelism", "expected"),
    [(None, 2, 768), (512, 1, 448), (512, 2, 224), (64, 1, 0), (9, 1, 0)],
)
def test_a_limit_that_was_lowered_is_shared(
    limit: int | None, parallelism: int, expected: int
) -> None:
    found = memory_of_a_child(768 * MIB, parallelism, limit and limit * MIB)

    assert found == expected * MIB


@pytest.mark.parametrize(
    ("written", "limit"), [("1073741824\n", 1 << 30), ("max\n", None), (None, None), ("", None)]
)
def test_the_limit_is_read(tmp_path: Path, written: str | None, limit: int | None) -> None:
    file = tmp_path / "memory.max"
    if written is not None:
        file.write_text(written)

    assert memory_limit((str(tmp_path / "absent"), str(file))) == limit
