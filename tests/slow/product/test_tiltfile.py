"""The Tiltfile, executed by a Starlark interpreter, with the chart as Helm renders it."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from imagejob_dev import command
from support.helm_chart import Helm, one, operator_environment
from support.paths import ROOT
from support.tenant import Tenant
from support.tilt import AUTO, MANUAL, Tilt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagejob_dev.client import Client

BUILDING = (ROOT / "Dockerfile").read_text()
VALUES = yaml.safe_load((ROOT / "charts/imagejob-operator/values.yaml").read_text())


@pytest.fixture(scope="module")
def tilt(tmp_path_factory: pytest.TempPathFactory) -> Tilt:
    executed = Tilt(ROOT, Helm(tmp_path_factory.mktemp("helm")))
    executed.run()
    return executed


def fragments(bodies: Iterable[dict[str, Any]]) -> Counter[str]:
    """`name:kind`, in lower case as Tilt compares them → the number of objects."""
    return Counter(f"{body['metadata']['name']}:{body['kind']}".lower() for body in bodies)


def targets() -> dict[str, set[str]]:
    """Target of the Dockerfile → the parts of this folder that it copies or mounts."""
    used: dict[str, set[str]] = {}
    stage, copied = "", dict[str, set[str]]()
    for line in BUILDING.replace("\\\n", " ").splitlines():
        if found := re.match(r"FROM (\S+) AS (\S+)", line):
            stage = found[2]
            copied[stage] = set(copied.get(found[1], ()))
        elif found := re.match(r"COPY --from=(\S+)", line):
            copied[stage] |= copied[found[1]]
        elif found := re.match(r"COPY (.+) \S+$", line):
            copied[stage] |= set(found[1].split())
        elif found := re.search(r"type=bind,source=([^,\s]+)", line):
            copied[stage].add(found[1])
        used[stage] = copied.get(stage, set())
    return used


def test_every_path_that_it_names_is_there(tilt: Tilt) -> None:
    assert {path for path in tilt.files if not (ROOT / path).exists()} == set()


def test_it_builds_the_images_that_the_chart_runs(tilt: Tilt) -> None:
    deployment = one(tilt.bodies, "Deployment", "imagejob-operator")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    run = [container["image"], operator_environment([deployment])["IMAGEJOB_WORKER_IMAGE"]]

    assert [image.rpartition(":")[0] for image in run] == [
        VALUES["image"]["repository"],
        VALUES["worker"]["image"]["repository"],
    ]
    assert {image.rpartition(":")[0] for image in run} == tilt.images()


def test_only_the_worker_s_image_is_in_the_environment_alone(tilt: Tilt) -> None:
    inside = {call["target"]: call["match_in_env_vars"] for call in tilt.calls["docker_build"]}

    assert inside == {"operator": False, "worker": True}


def test_an_image_is_built_of_what_the_dockerfile_takes(tilt: Tilt) -> None:
    for call in tilt.calls["docker_build"]:
        needed = targets()[call["target"]]
        given = set(call["only"])

        assert {
            path for path in needed if not any(path.startswith(each) for each in given)
        } == set()
        assert {
            each for each in given if not any(path.startswith(each) for path in needed)
        } == set()


def test_every_object_is_in_one_resource(tilt: Tilt) -> None:
    workloads = {"Deployment", "Service"}  # Tilt assembles these itself
    loose = fragments(body for body in tilt.bodies if body["kind"] not in workloads)
    placed = Counter(
        fragment.lower() for call in tilt.calls["k8s_resource"] for fragment in call["objects"]
    )

    assert placed == loose
    assert set(fragments(tilt.bodies).values()) == {1}


def test_every_workload_has_its_resource(tilt: Tilt) -> None:
    names = {body["metadata"]["name"] for body in tilt.bodies if body["kind"] == "Deployment"}

    assert {call["workload"] for call in tilt.calls["k8s_resource"]} - {""} == names


def test_what_is_waited_for_is_there(tilt: Tilt) -> None:
    resources = tilt.resources("k8s_resource") | tilt.resources("local_resource")
    awaited = {name for call in resources.values() for name in call["resource_deps"]}

    assert awaited <= resources.keys()
    assert all(call["labels"] for call in resources.values())


def test_ports_that_are_forwarded_are_open(tilt: Tilt) -> None:
    for call in tilt.calls["k8s_resource"]:
        for forward in call["port_forwards"]:
            deployment = one(tilt.bodies, "Deployment", call["workload"])
            (container,) = deployment["spec"]["template"]["spec"]["containers"]

            assert forward["there"] in {port["containerPort"] for port in container["ports"]}


def test_tests_run_when_asked_but_for_the_quickest(tilt: Tilt) -> None:
    resources = tilt.resources("local_resource")
    asked = {name for name, call in resources.items() if call["trigger_mode"] == MANUAL}
    makefile = (ROOT / "Makefile").read_text()

    assert asked == {"try", "check", "test-fast", "test"}
    assert all(call["auto_init"] == (call["trigger_mode"] == AUTO) for call in resources.values())
    for call in resources.values():
        program, goal = call["cmd"][0], call["cmd"][-1]
        if program == "make":
            assert re.search(
                rf"^{re.escape(goal.replace('.venv', '$(VENV)'))}:|^{goal}:|INSTALLED",
                makefile,
                re.MULTILINE,
            )
        else:
            assert (ROOT / goal).exists()


OLD, NEW = "v1.35.2+k3s1", "v1.36.0"


@pytest.mark.parametrize(("server", "stamps"), [(OLD, False), (NEW, True)])
def test_the_chart_is_rendered_for_the_cluster_there_is(
    tmp_path: Path,
    server: str,
    stamps: bool,  # noqa: FBT001
) -> None:
    executed = Tilt(ROOT, Helm(tmp_path), server=server)
    executed.run()

    kinds = {body["kind"] for body in executed.bodies}
    assert ("MutatingAdmissionPolicy" in kinds) == stamps


def test_a_try_goes_through(cluster: Client, namespace: str, tmp_path: Path) -> None:
    team = Tenant(cluster, namespace)
    changed = tmp_path / "team.yaml"
    changed.write_text(yaml.safe_dump_all(of_this_cluster(team)))
    cluster.kubectl("apply", "--filename", changed)
    with cluster.operator():
        told = command.run(
            [
                *(sys.executable, ROOT / "dev/tilt/try.py", ROOT / "docs/images/demo.webp"),
                *(f"--team={changed}", f"--endpoint={cluster.s3.endpoint}"),
            ],
            tmp_path,
            cluster.kubeconfig,
            path=str(cluster.kubectl_program.parent),
        )

    assert "Succeeded" in told


def of_this_cluster(team: Tenant) -> list[dict[str, Any]]:
    """dev/tilt/team.yaml, in the team's namespace and with its bucket."""
    bodies = list(yaml.safe_load_all((ROOT / "dev/tilt/team.yaml").read_text()))
    secret, store, *_ = bodies
    secret["stringData"] = team.secret()["stringData"]
    store["spec"]["s3"] |= {"endpoint": team.cluster.s3.endpoint, "bucket": team.bucket}
    for body in bodies:
        body["metadata"]["namespace"] = team.namespace
    return bodies
