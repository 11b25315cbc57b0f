"""Which texts of a pod are paths of its mounts, and where those are on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from imagejob_dev.processnode.paths import Mounts, lay

PLACES = {
    "/stores/uploads": Path("/host/uploads"),
    "/stores/results": Path("/host/results"),
    "/scratch/": Path("/host/scratch"),
    "/scratch/inner": Path("/host/inner"),
    "/dev/termination-log": Path("/host/main.message"),
}


@pytest.fixture
def mounts(tmp_path: Path) -> Mounts:
    places = {inside: tmp_path / place.relative_to("/") for inside, place in PLACES.items()}
    for place in places.values():
        place.mkdir(parents=True)
    return lay(tmp_path / "root", places)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/stores/uploads", "host/uploads"),
        ("/stores/uploads/", "host/uploads"),
        ("/stores/uploads/key", "host/uploads/key"),
        ("/scratch", "host/scratch"),
        ("/scratch/a/b", "host/scratch/a/b"),
        ("/scratch/inner/a", "host/inner/a"),
        ("/dev/termination-log", "host/main.message"),
        ("/stores", "root/stores"),
    ],
)
def test_paths_of_mounts(mounts: Mounts, tmp_path: Path, text: str, expected: str) -> None:
    assert mounts.rewrite(text) == str(tmp_path / expected)


@pytest.mark.parametrize(
    "text",
    ["", "/", "/storeside", "/stores/other", "stores/uploads", "--in=/stores", "s3://stores", "$"],
)
def test_other_texts_stay(mounts: Mounts, text: str) -> None:
    assert mounts.rewrite(text) == text


def test_a_folder_above_mounts_holds_them(mounts: Mounts, tmp_path: Path) -> None:
    (tmp_path / "host/uploads/key").write_text("secret")

    stores = Path(mounts.rewrite("/stores"))

    assert sorted(each.name for each in stores.iterdir()) == ["results", "uploads"]
    assert (stores / "uploads" / "key").read_text() == "secret"


def test_mounts_can_be_laid_again(tmp_path: Path) -> None:
    """A container that restarts, or whose Secret was missing at first, is prepared again."""
    for _ in range(2):
        mounts = lay(tmp_path / "root", {"/scratch": tmp_path})

    assert mounts.rewrite("/scratch") == str(tmp_path)
