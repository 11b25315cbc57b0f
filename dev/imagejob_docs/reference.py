"""The API reference: one page for each CustomResourceDefinition."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from imagejob_docs.bounds import Schema, bounds_of, code, default_of, type_of

ROOT = Path(__file__).resolve().parents[2]
CRDS = ROOT / "crds"
EXAMPLES = {
    "ImageJob": "imagejob.yaml",
    "ImageProfile": "profile-web.yaml",
    "ImageQuota": "quota.yaml",
    "ImageStore": "store.yaml",
}
INTRODUCTION = """\
Four kinds of `imagejob.dev/v1alpha1`, all of them namespaced. No reference crosses a namespace."""
ENFORCED = """\
The same texts are in the cluster: `kubectl explain imagejob.spec.outputs`. Each rule is enforced by
the API server itself, by schema and CEL; there is no webhook."""
NOTE = "<!-- Made from crds/{file} by `make generate`. Change it there. -->"


class Part(NamedTuple):
    """An object within a kind: where it is, its schema, and whether only the operator writes it."""

    path: str
    schema: Schema
    is_status: bool


def pages() -> dict[str, str]:
    """File name → text, for every kind and the index."""
    files = sorted(CRDS.glob("*.yaml"))
    crds = {file.name: yaml.safe_load(file.read_text()) for file in files}
    made = {f"{_kind(crd).lower()}.md": page(name, crd) for name, crd in crds.items()}
    return {"index.md": index(list(crds.values())), **made}


def index(crds: Sequence[Schema]) -> str:
    """What kinds there are."""
    rows = []
    for crd in crds:
        names, kind = crd["spec"]["names"], _kind(crd)
        about = _first_sentence(_schema(crd)["description"])
        rows.append([f"[{kind}]({kind.lower()}.md)", code(names["shortNames"][0]), about])
    return _paragraphs(
        "<!-- Made from crds/ by `make generate`. Change it there. -->",
        "# API reference",
        INTRODUCTION,
        _table(["kind", "short", "what it is"], rows),
        ENFORCED,
    )


def page(file: str, crd: Schema) -> str:
    """All that there is to know of one kind."""
    version, kind = crd["spec"]["versions"][0], _kind(crd)
    example = (ROOT / "examples" / EXAMPLES[kind]).read_text().rstrip()
    root = Part("", _schema(crd), is_status=False)
    return _paragraphs(
        NOTE.format(file=file),
        f"# {kind}",
        _text(root.schema["description"]),
        _names(crd, version),
        f"```yaml\n{example}\n```",
        "## Fields",
        *_rules(root),
        *(text for part in parts(root) for text in _part(part)),
        "## Columns",
        f"What `kubectl get {crd['spec']['names']['plural']}` prints; *wide* with `-o wide` only.",
        _columns(version),
    )


def parts(root: Part) -> Iterator[Part]:
    """The objects within an object, depth first, in the order of the schema."""
    for name, field in root.schema["properties"].items():
        inner, suffix = (field["items"], "[]") if field.get("type") == "array" else (field, "")
        if "properties" not in inner:
            continue
        path = f"{root.path}.{name}{suffix}".lstrip(".")
        part = Part(path, inner, is_status=root.is_status or path == "status")
        yield part
        yield from parts(part)


def _part(part: Part) -> list[str]:
    required = part.schema.get("required", [])
    fields = part.schema["properties"].items()
    if part.is_status:
        rows = [[code(name), type_of(each), _text(each["description"])] for name, each in fields]
        table = _table(["field", "type", "meaning"], rows)
    else:
        rows = [
            [
                code(name),
                type_of(each),
                default_of(each, required=name in required),
                bounds_of(each),
                _text(each["description"]),
            ]
            for name, each in fields
        ]
        table = _table(["field", "type", "default", "bounds", "meaning"], rows)
    heading = "##" + "#" * min(part.path.count(".") + 1, 3)
    return [f"{heading} {part.path}", _text(part.schema["description"]), table, *_rules(part)]


def _rules(part: Part) -> list[str]:
    """The messages of the CEL rules of an object and of its plain fields."""
    rules = [("", rule) for rule in part.schema.get("x-kubernetes-validations", [])]
    for name, field in part.schema["properties"].items():
        if "properties" not in field:
            rules += [(f".{name}", rule) for rule in field.get("x-kubernetes-validations", [])]
    always = [_rule(where, rule) for where, rule in rules if "oldSelf" not in rule["rule"]]
    changes = [_rule(where, rule) for where, rule in rules if "oldSelf" in rule["rule"]]
    texts = []
    if always:
        texts.append("\n".join(["What breaks a rule is refused, in these words:", "", *always]))
    if changes:
        texts.append("\n".join(["Changes that are refused, likewise:", "", *changes]))
    return texts


def _rule(where: str, rule: Schema) -> str:
    field = (where + rule.get("fieldPath", "")).lstrip(".")
    return f"- {code(field) + ': ' if field else ''}{rule['message']}"


def _names(crd: Schema, version: Schema) -> str:
    names = crd["spec"]["names"]
    selectable = [each["jsonPath"].lstrip(".") for each in version.get("selectableFields", [])]
    rows = [
        ["apiVersion", code(f"{crd['spec']['group']}/{version['name']}")],
        [
            "names",
            ", ".join(code(n) for n in (names["plural"], names["singular"], *names["shortNames"])),
        ],
        ["category", ", ".join(code(category) for category in names["categories"])],
    ]
    if selectable:
        rows.append(["field selectors", ", ".join(code(field) for field in selectable)])
    head, *rest = rows
    return _table(head, rest)


def _columns(version: Schema) -> str:
    rows = [
        [
            column["name"].upper(),
            "wide" if column.get("priority") else "",
            _text(column.get("description", "How long ago it was created.")),
            code(column["jsonPath"]),
        ]
        for column in version["additionalPrinterColumns"]
    ]
    return _table(["column", "", "shows", "from"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(description: str) -> str:
    """On one line, fit for a table."""
    parts = " ".join(description.split()).split("`")
    return "".join(
        code(part) if odd % 2 else html.escape(part, quote=False) for odd, part in enumerate(parts)
    )


def _first_sentence(description: str) -> str:
    return _text(description).split(". ")[0].rstrip(".") + "."


def _kind(crd: Schema) -> str:
    kind: str = crd["spec"]["names"]["kind"]
    return kind


def _schema(crd: Schema) -> Schema:
    schema: Schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(texts) + "\n"
