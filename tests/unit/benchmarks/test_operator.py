"""What `make bench-operator` counts, feeds the fake node, and concludes."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from imagejob_operator.contract import report
from support.paths import ROOT

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = ROOT / "benchmarks"

LABELS = 'code="{}",dry_run="{}",group="",resource="{}",subresource="{}",verb="{}"'
REQUESTS = [
    (LABELS.format(201, "", "jobs", "", "POST"), 3),
    (LABELS.format(409, "", "jobs", "", "POST"), 1),
    (LABELS.format(200, "", "pods", "status", "PATCH"), 6),
    (LABELS.format(200, "", "pods", "", "LIST"), 9),
    (LABELS.format(201, "All", "pods", "", "POST"), 9),
]
DISPATCHED = [("exempt", 99), ("bench.create.jobs", 2), ("bench.list.other", 5)]


def metrics(dispatched: list[tuple[str, int]]) -> str:
    """The API server's /metrics."""
    return "\n".join(
        [
            "# HELP apiserver_request_total Counter of apiserver requests",
            *(f"apiserver_request_total{{{labels}}} {count}" for labels, count in REQUESTS),
            *(
                f'apiserver_flowcontrol_dispatched_requests_total{{flow_schema="{name}"}} {count}'
                for name, count in dispatched
            ),
        ]
    )


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return lambda name: import_module(f"operatorbench.{name}")


# plots.py measures nothing, and needs packages that only `make plots` installs.
PROGRAMS = sorted(path for path in BENCHMARKS.glob("*.py") if path.name != "plots.py")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_every_benchmark_starts_although_one_is_called_operator(program: Path) -> None:
    done = subprocess.run(
        [sys.executable, program, "--help"], capture_output=True, text=True, check=False
    )

    assert "usage" in done.stdout, done.stderr


@pytest.mark.parametrize("items", range(1, 17))
def test_the_fake_node_reports_as_a_worker_does(bench: Any, items: int) -> None:
    message = bench("fakenode").message(items)

    assert len(message) <= report.MAX_MESSAGE_BYTES
    assert len(report.decode(message)) == items


def test_the_fake_node_gets_a_report_for_each_count(bench: Any, tmp_path: Path) -> None:
    fakenode: ModuleType = bench("fakenode")
    file = fakenode.configure(tmp_path / "stages.yaml")

    stages = {each["metadata"]["name"]: each for each in yaml.safe_load_all(file.read_text())}

    template = stages["pod-complete"]["spec"]["next"]["statusTemplate"]
    assert f'list "" "{fakenode.message(1)}" ' in template
    assert fakenode.message(16) in template


def test_writes_are_counted_by_verb_and_resource(bench: Any) -> None:
    accounting = bench("accounting")

    counted = accounting.parse(metrics(DISPATCHED))

    assert counted.everybody == {
        accounting.Request("create", "jobs"): 4,
        accounting.Request("patch", "pods/status"): 6,
    }
    assert counted.operator == {
        accounting.Request("create", "jobs"): 2,
        accounting.Request("list", "other"): 5,
    }
    assert counted.writes() == (10, 2)


def test_a_flow_schema_names_what_it_counts(bench: Any) -> None:
    schemas = list(bench("accounting").flow_schemas("system", "operator"))
    names = [schema["metadata"]["name"] for schema in schemas]

    counted = bench("accounting").parse(metrics([(name, 1) for name in names])).operator

    assert counted.total() == len(schemas) == len(counted)
    rules = [schema["spec"]["rules"][0]["resourceRules"][0] for schema in schemas]
    named = {(rule["verbs"][0], rule["resources"][0].replace("*", "other")) for rule in rules}
    assert named == {tuple(request) for request in counted}


@pytest.mark.parametrize(
    ("value", "sense", "met"),
    [
        (2.0, "at least", True),
        (1.9, "at least", False),
        (2.0, "at most", True),
        (2.1, "at most", False),
    ],
)
def test_a_target_has_a_right_side(bench: Any, value: float, sense: str, met: bool) -> None:  # noqa: FBT001
    assert bench("figures").Target("x", value, sense, 2.0, "s").met == met


@pytest.mark.parametrize(("value", "met"), [(1.0, True), (3.0, False)])
def test_a_missed_target_is_the_conclusion(
    bench: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    value: float,
    met: bool,  # noqa: FBT001
) -> None:
    figures = bench("figures")
    targets = [figures.Target("time", value, "at most", 2.0, "s")]
    part = figures.Part("small", "a part", [["", "x"]], [], targets, {"x": value})

    assert figures.conclude([part], "this machine", tmp_path / "new" / "found.json") == met

    found = json.loads((tmp_path / "new" / "found.json").read_text())
    assert found["met"] == met
    verdict = "all targets met" if met else "1 of 1 targets missed"
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"bench-operator: {verdict} (time")
