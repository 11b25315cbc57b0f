"""What `make bench-node` applies, measures and concludes."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from imagejob_worker.contract.order import decode
from support.paths import ROOT

BENCHMARKS = ROOT / "benchmarks"

ORDER = {
    "version": 1,
    "childMemoryBytes": 402653184,
    "stores": {"uploads": {"s3": {"endpoint": "http://10.0.0.1:9000", "bucket": "bench"}}},
    "items": [
        {
            "uid": "0b5e6a3e-3f0c-4d55-a1a9-3a3f0a3c1d11",
            "source": {"store": "uploads", "key": "incoming/rehearsal.jpg"},
            "destination": {"store": "uploads", "prefix": "rehearsal"},
            "outputs": [{"name": "thumb", "width": 320, "format": "webp"}],
            "limits": {"maxBytes": 52428800, "maxPixels": 50000000, "maxFrames": 100},
            "timeoutSeconds": 120,
        }
    ],
}
POD = {
    "activeDeadlineSeconds": 180,
    "containers": [
        {
            "image": "imagejob-worker:test",
            "command": ["python", "-m", "imagejob_worker"],
            "env": [
                {
                    "name": "IMAGEJOB_ORDER",
                    "value": base64.b64encode(json.dumps(ORDER).encode()).decode(),
                },
                {"name": "IMAGEJOB_SCRATCH", "value": "/scratch"},
            ],
        }
    ],
}
FOUND = {
    "metadata": {"name": "ij-abc", "labels": {"imagejob.dev/component": "worker"}},
    "spec": {
        "backoffLimit": 0,
        "selector": {"matchLabels": {"controller-uid": "1"}},
        "template": {"metadata": {"labels": {"controller-uid": "1"}}, "spec": POD},
    },
}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return lambda name: import_module(f"nodebench.{name}")


def container(job: dict[str, Any]) -> dict[str, Any]:
    (only,) = job["spec"]["template"]["spec"]["containers"]
    return {**only, "env": {each["name"]: each["value"] for each in only["env"]}}


def test_a_bare_job_is_the_operators_with_another_photo(bench: Any) -> None:
    job = bench("manifests").Model(FOUND).bare("round-1", "photo-007", "idle/bare")

    (item,) = decode(container(job)["env"]["IMAGEJOB_ORDER"]).items
    assert (item.source.key, item.destination.prefix) == (
        "incoming/photo-007.jpg",
        "idle/bare/round-1",
    )
    assert container(job)["command"] == ["python", "-m", "imagejob_worker"]
    assert job["metadata"] == {"name": "round-1"}
    assert job["spec"]["backoffLimit"] == 0
    assert set(job["spec"]) == {"backoffLimit", "template"}
    assert set(job["spec"]["template"]) == {"spec"}


def test_the_pool_runs_its_program_in_the_same_pod(bench: Any) -> None:
    job = bench("manifests").Model(FOUND).pool("pool", ["photo-000", "photo-001"], "burst/pool")

    found = container(job)
    assert json.loads(found["env"]["BENCH_PHOTOS"]) == ["photo-000", "photo-001"]
    assert decode(found["env"]["IMAGEJOB_ORDER"]).items[0].destination.prefix == "burst/pool"
    assert found["image"] == "imagejob-worker:test"
    assert found["command"][:2] == ["python", "-c"]
    compile(found["command"][2], "pool.py", "exec")
    assert "$(" not in found["command"][2]  # the kubelet would expand it


def test_what_was_found_in_the_cluster_stays_as_it_was(bench: Any) -> None:
    before = json.dumps(FOUND)

    bench("manifests").Model(FOUND).pool("pool", ["photo-000"], "burst/pool")

    assert json.dumps(FOUND) == before


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 15.0), (0.95, 29.0), (1.0, 30.0)])
def test_quantiles_are_by_nearest_rank(bench: Any, share: float, value: float) -> None:
    latency = bench("latency").Latency("x", [float(number) for number in range(30, 0, -1)])

    assert latency.quantile(share) == value


def test_moments_spread_evenly_over_a_second(bench: Any) -> None:
    moments = sorted(bench("latency").moment(number) for number in range(30))

    gaps = [b - a for a, b in zip(moments, [*moments[1:], moments[0] + 1.0], strict=True)]
    assert max(gaps) < 2 / 30
    assert all(0 <= moment < 1 for moment in moments)


@pytest.mark.parametrize(
    ("batched", "single", "idle", "met"),
    [
        (1.1, 1.0, 1.0, True),
        (1.2, 1.0, 1.0, False),
        (1.2, 1.0, 1.1, True),
        (1.2, 1.1, 1.0, True),
    ],
)
def test_a_trickle_is_held_against_the_slower_of_the_two(
    bench: Any,
    batched: float,
    single: float,
    idle: float,
    met: bool,  # noqa: FBT001
) -> None:
    latency, trickle = bench("latency").Latency, bench("trickle")
    workers = {trickle.BATCHED: [1], trickle.SINGLE: [1]}

    part = trickle.report(
        latency(trickle.BATCHED, [batched]),
        latency(trickle.SINGLE, [single]),
        latency("ImageJob", [idle]),
        workers,
    )

    assert [target.met for target in part.targets] == [met, met]


def test_a_burst_is_held_against_both_others(bench: Any) -> None:
    burst, run = bench("burst"), bench("sides").Run
    runs = {
        "ImageJobs": [run("ImageJobs", 200, 12.0, "d", [16] * 12 + [8])],
        "bare Jobs": [run("bare Jobs", 200, 120.0, "d", [1] * 200)],
        "pool": [run("pool", 200, 10.0, "d", [200], inside=7.0)],
    }

    part = burst.report(200, runs)

    assert [target.value for target in part.targets] == pytest.approx([10.0, 1.2])
    assert all(target.met for target in part.targets)
    assert part.notes[0].endswith("12 x 16, 1 x 8")


def test_without_a_cluster_it_cannot_measure(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "node.py", "--kubeconfig", tmp_path / "none"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "KUBECONFIG" in done.stderr
