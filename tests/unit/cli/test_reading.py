"""Files become objects, or an error that names the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from imagejob_cli.errors import CliError
from imagejob_cli.reading import Document, Text, read

if TYPE_CHECKING:
    from pathlib import Path


def read_all(*files: Path) -> list[Document]:
    return [each for text in read([str(file) for file in files]) for each in text.documents()]


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
        read_all(file)

    assert error.value.lines == (f"{file}{complaint}",)


def test_every_file_at_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(CliError) as error:
        read([str(tmp_path / "nobody.yaml"), str(tmp_path / "lost.json")])

    assert error.value.lines == (
        f"{tmp_path}/nobody.yaml: No such file or directory",
        f"{tmp_path}/lost.json: No such file or directory",
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

    found = [(document.where, document.body["a"]) for document in read_all(tmp_path)]

    assert found == [
        (f"{tmp_path}/a.json, items[0]", 3),
        (f"{tmp_path}/a.json, items[1]", 4),
        (f"{tmp_path}/b.yml, document 2", 1),
        (f"{tmp_path}/b.yml, document 3", 2),
    ]


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: 1")

    assert len(read_all(tmp_path, file)) == 1


def test_what_looks_like_a_date_stays_text(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("key: 2026-11-22")

    (document,) = read_all(file)

    assert document.body == {"key": "2026-11-22"}


MARKS = b"""# photos
---
a: 1
text: |
  ---
  not a beginning
--- {a: 2}
---
# nothing
---   # the last
{"a": 3, "b": "\\u00e9", "c": 1e3}
"""


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_documents_are_split_as_yaml_splits_them(tmp_path: Path, ends: bytes) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(MARKS.replace(b"\n", ends))

    found = read_all(file)

    whole = [each for each in yaml.safe_load_all(file.read_bytes()) if each is not None]
    assert [each.body for each in found] == whole
    places = [1, 2, 4]
    assert [each.where for each in found] == [f"{file}, document {each}" for each in places]


@pytest.mark.parametrize(
    "data",
    [
        "a: 1\n---\na: 2\n".encode("utf-16"),
        b"%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n---\na: 2\n",
    ],
)
def test_what_only_yaml_can_split(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(data)

    assert [each.body for each in read_all(file)] == [{"a": 1}, {"a": 2}]


def test_a_fault_has_its_line_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"# first\na: 1\n---\na: 2\nb: {c: 1, c: 2}\n")
    _, second = read([str(file)])

    with pytest.raises(CliError, match=r"a\.yaml, line 5, column 11: the key"):
        list(second.documents())


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a": 1e3}', b'{"a": "\\ud800"}', b'{"a": 1} x',
        b'{"a": ' + b"[" * 9000,
    ],
)  # fmt: skip
def test_json_means_what_it_means_as_yaml(data: bytes) -> None:
    def outcome(text: Text) -> object:
        try:
            return [each.body for each in text.documents()]
        except CliError as error:
            return error.lines

    assert outcome(Text("a", data)) == outcome(Text("a", b" # as YAML\n" + data, line=-1))
