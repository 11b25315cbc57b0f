"""What a person sees of a long build: a live line on a terminal, a few plain ones elsewhere."""

from __future__ import annotations

import io

from imagejob_dev.progress import PLAIN_SECONDS, Progress
from support.clocks import Clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_are_few() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock)

    progress.start("building etcd")
    for _ in range(45):
        clock.now += 1
        progress.tick("some/package")
    progress.done()

    assert stream.getvalue().splitlines() == [
        "building etcd …",
        f"building etcd  0:{PLAIN_SECONDS:.0f}  some/package",
        f"building etcd  0:{2 * PLAIN_SECONDS:.0f}  some/package",
        "building etcd: done in 0:45",
    ]


def test_live_line_is_rewritten() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock)

    progress.start("building etcd")
    clock.now += 61
    progress.tick("some/package")
    progress.done()

    assert stream.getvalue().split("\r\033[K") == [
        "",
        "building etcd",
        "building etcd  1:01  some/package",
        "building etcd: done in 1:01\n",
    ]
