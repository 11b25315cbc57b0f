"""What code that has taken over a decoder can do: nothing but decode.

tests/support/ways_out.py has the ways out that it tries, each in a child of a real worker
(tests/support/taken_over.py). The same program runs in pods, too:
tests/cluster/behaviour/test_wall_in_pods.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache

import pytest
from support import taken_over, ways_out
from support.paths import ROOT, TESTS

PAGE = ROOT / "docs" / "security.md"
NOBODY = 65534
USERS = ("ordinary", "root")
COLUMNS: dict[str, tuple[str, ...]] = {
    "neither": ("off",),
    "Landlock alone": ("prefer", "seccomp"),
    "seccomp alone": ("prefer", "Landlock"),
    "both": ("require",),
}
"""The page's columns: the mode, and what is left out."""

DEPENDS = {
    "ptrace the parent", "process_vm_readv", "process_vm_writev", "open /proc/PARENT/mem",
    "pidfd_getfd", "open the credentials by open_by_handle_at", "bpf", "perf_event_open",
    "fanotify", "mount", "setns", "unshare a user namespace", "unshare a mount namespace",
    "chroot", "TIOCSTI", "io_uring", "userfaultfd", "keyctl", "x32 system calls",
    "32-bit system calls", "a message queue",
}  # fmt: skip
"""What a machine's own settings may refuse (Yama, sysctls, AppArmor), or its kernel may lack."""


@cache
def tried(user: str, items: int, mode: str, *without: str) -> dict[str, str]:
    """Run all ways out as this user, so many in an order."""
    become = NOBODY if user == "ordinary" and os.getuid() == 0 else 0
    namespace = ["unshare", "--user", "--map-root-user"]
    done = subprocess.run(
        [
            *(namespace if user == "root" and os.getuid() else []),
            *(sys.executable, taken_over.__file__, mode, str(items), str(become), *without),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        timeout=120,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("items", [20, 1], ids=["from a fork server", "the only item"])
def test_every_way_out_is_refused(user: str, items: int) -> None:
    found = tried(user, items, "require")

    assert [way for way, end in found.items() if end.startswith("OPEN")] == []
    assert {end.split(":")[0] for end in found.values()} == {"killed", "refused"}
    assert list(found) == list(ways_out.WAYS)
    assert len(found) >= 25


def test_the_ways_lead_out_where_there_is_no_wall() -> None:
    """So that what is refused is refused by the wall, and not for being tried wrongly."""
    found = tried("root", 20, *COLUMNS["neither"])

    refused = {way for way, end in found.items() if not end.startswith("OPEN")}
    assert refused <= DEPENDS
    if os.getuid() == 0:
        assert refused <= {"x32 system calls", "32-bit system calls"}


@pytest.mark.parametrize("column", ["Landlock alone", "seccomp alone"])
def test_each_protection_alone_keeps_the_credentials_and_the_worker(column: str) -> None:
    for user in USERS:
        found = tried(user, 20, *COLUMNS[column])

        for way in ways_out.WAYS:
            if "open the credentials" in way or "PARENT" in way or "process_vm" in way:
                assert not found[way].startswith("OPEN"), way


def table() -> dict[str, list[str]]:
    """The page's rows: the way, and whether it is open."""
    rows = re.findall(
        r"^\| (.+) \| (.+) \| (.+) \| (.+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE
    )
    return {way: cells for way, *cells in rows if set(cells) <= {"open", "-"}}


def test_the_page_s_table_has_what_was_tried() -> None:
    page = table()

    assert list(page) == list(ways_out.WAYS)
    for at, column in enumerate(COLUMNS):
        found = tried("ordinary", 20, *COLUMNS[column])
        for way, cells in page.items():
            here = "open" if found[way].startswith("OPEN") else "-"
            # A machine may refuse more than the one that the table was made on.
            assert cells[at] == here or (way in DEPENDS and here == "-"), (way, column, found[way])
