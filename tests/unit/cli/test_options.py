"""The command line: its help is readable, and each error is one line."""

from __future__ import annotations

import pytest
from imagejob_cli.options import parse
from imagejob_operator.config.platform import SIZES, Platform
from support.paths import DATA

HELP = DATA / "cli/run-help.txt"


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(["run", "--help"])

    assert end.value.code == 0
    assert capsys.readouterr().out == HELP.read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["run"], "the following arguments are required: FILE"),
        (["run", "a", "--store", "uploads"], "'uploads' is not NAME=DIR, such as uploads=./photos"),
        (["run", "a", "--store", "../up=."], "'../up=.' is not NAME=DIR, such as uploads=./photos"),
        (["run", "a", "--store", "up=/nobody"], "'/nobody', for store up, is not a folder"),
        (["run", "a", "--store", "up=.", "--store", "up=/"], "up has two folders"),
        (["run", "a", "--parallel", "0"], "'0' is not a number of at least 1"),
        (["run", "a", "--max-pixels", "1e6"], "'1e6' is not a number of at least 1"),
        (["run", "a", "--max-bytes", "ten"], "'ten' is not a size, such as 200Mi"),
        (["run", "a", "--allow-format", "jpg"], "argument --allow-format: invalid choice: "),
        (["run", "a", "-q", "-v"], "not allowed with argument"),
    ],
)
def test_wrong(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(arguments)

    said = capsys.readouterr().err
    assert end.value.code == 2
    assert complaint in said
    assert said.startswith("imagejob")
    assert said.count("\n") == 1


def test_limits_are_the_operators() -> None:
    operators = Platform("")

    platform = parse(["run", "a", "--parallel", str(operators.parallelism)]).platform

    assert platform == operators


def test_limits_can_be_set() -> None:
    limits = ["--max-bytes", "1Gi", "--max-pixels", "7", "--max-frames", "8", "--memory", "2Gi"]
    formats = ["--allow-format", "gif", "--allow-format", "avif", "--allow-format", "jpeg"]

    platform = parse(["run", "a", "--parallel", "3", *limits, *formats]).platform

    assert (platform.limits.max_bytes, platform.limits.max_pixels) == (1024**3, 7)
    assert platform.limits.max_frames == 8
    assert {platform.memory_of(size).child_bytes for size in SIZES} == {2 * 1024**3}
    assert (platform.formats, platform.parallelism) == (("jpeg", "png", "webp", "gif", "avif"), 3)
