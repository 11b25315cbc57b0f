"""Files become objects, or an error that names the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagejob_cli.errors import CliError
from imagejob_cli.reading import read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"a: [1\n", ", line 2, column 1: expected ',' or ']', but got '<stream end>'"),
        (b"a: 1\nb: {c: 1, c: 2}\n", ', line 2, column 11: the key "c" is given twice'),
        (b"text\n", ": not a Kubernetes object, but of type str"),
        (b"a: 1\n---\n- b\n", ", document 2: not a Kubernetes object, but of type list"),
        (
            b"kind: List\nitems: [{}, 3]\n",
            ", items[1]: not a Kubernetes object, but of type int",
        ),
        (b"a: \xff\n", ": unacceptable character #x00ff: invalid start byte"),
        (b"a: " + b"[" * 50_000, ": nested too deeply"),
        (
            b"a: !!python/object:os.system x\n",
            (
                ", line 1, column 4: could not determine a "
                "constructor for the tag 'tag:yaml.org,2002:python/object:os.system'"
            ),
        ),
    ],
)
def test_unreadable(tmp_path: Path, data: bytes, complaint: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(data)

    with pytest.raises(CliError) as error:
        read([str(file)])

    assert error.value.lines == (f"{file}{complaint}",)


def test_every_file_at_fault_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.yaml").write_text("text")

    with pytest.raises(CliError) as error:
        read([str(tmp_path / "nobody.yaml"), str(tmp_path / "text.yaml")])

    assert error.value.lines == (
        f"{tmp_path}/nobody.yaml: No such file or directory",
        f"{tmp_path}/text.yaml: not a Kubernetes object, but of type str",
    )


def test_a_folder_without_manifests(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("text")

    with pytest.raises(CliError, match=r"has no file that ends in \.yaml, \.yml, \.json"):
        read([str(tmp_path)])


def test_places(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("---\n# nothing\n---\na: 1\n---\na: 2\n")
    (tmp_path / "a.json").write_text('{"kind": "ImageJobList", "items": [{"a": 3}, {"a": 4}]}')
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.yaml").write_text("a: 5")

    found = [(document.where, document.body["a"]) for document in read([str(tmp_path)])]

    assert found == [
        (f"{tmp_path}/a.json, items[0]", 3),
        (f"{tmp_path}/a.json, items[1]", 4),
        (f"{tmp_path}/b.yml, document 2", 1),
        (f"{tmp_path}/b.yml, document 3", 2),
    ]


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: 1")

    assert len(read([str(tmp_path), str(file)])) == 1


def test_what_looks_like_a_date_stays_text(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("key: 2026-11-22")

    (document,) = read([str(file)])

    assert document.body == {"key": "2026-11-22"}
