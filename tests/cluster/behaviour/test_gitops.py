"""What GitOps tools see of ImageJobs on a real API server, and what their ways to apply do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from imagejob_dev.errors import DevError
from support import argocd, kstatus
from support.tenant import Tenant, image_job, is_finished, ours, picture, reason

if TYPE_CHECKING:
    from imagejob_dev.client import Client

Body = dict[str, Any]

GITOPS = argocd.FOLDER.parent
CHECK = yaml.safe_load((GITOPS / "flux/health-check-exprs.yaml").read_text())[0]


def apply(team: Tenant, *bodies: Body) -> None:
    """As Argo CD and Flux do."""
    text = "\n---\n".join(json.dumps(body) for body in bodies)
    team.cluster.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--field-manager=gitops"),
        *(f"--namespace={team.namespace}", "--filename=-"),
        stdin=text,
    )


def seen(team: Tenant, plural: str = "imagejobs") -> dict[str, tuple[str, str, str]]:
    """Name → what Argo CD, kstatus and Flux' expressions report."""
    items = team.cluster.rest.get(team.path(plural))["items"]
    kind = {"imagejobs": "ImageJob", "imagequotas": "ImageQuota"}[plural]
    bodies = [{"kind": kind, **body} for body in items]
    return {
        body["metadata"]["name"]: (
            argocd.health(body).status,
            kstatus.compute(body),
            kstatus.evaluate(body, CHECK),
        )
        for body in bodies
    }


PROGRESSING = ("Progressing", "InProgress", "InProgress")


def test_what_no_operator_has_looked_at_is_not_done(newcomer: Tenant) -> None:
    quota = ours("ImageQuota", "default", {"limits": [{"jobs": 1, "per": "7d"}]})

    apply(newcomer, image_job(), quota)

    assert seen(newcomer) == {"cat": PROGRESSING}
    assert seen(newcomer, "imagequotas") == {"default": PROGRESSING}


STATES = {
    "done": ("Succeeded", ("Healthy", "Current", "Current")),
    "gone": ("SourceNotFound", ("Degraded", "Failed", "Failed")),
    "held": ("Suspended", ("Suspended", "InProgress", "InProgress")),
    "unknown": ("StoreNotFound", PROGRESSING),
    "last": ("QuotaUsedUp", PROGRESSING),
}


@pytest.mark.usefixtures("operator")
def test_every_state_is_seen_for_what_it_is(team: Tenant) -> None:
    team.quota("2/7d")
    apply(team, image_job("done"), image_job("gone", "incoming/nobody.jpg"))
    team.wait_all(is_finished, 2)

    apply(
        team,
        image_job("held", suspend=True),
        image_job("unknown", store="misspelt"),
        image_job("last"),
    )
    told = team.wait_all(lambda status: bool(reason(status)), len(STATES))

    assert {name: reason(status) for name, status in told.items()} == {
        name: why for name, (why, _) in STATES.items()
    }
    assert seen(team) == {name: expected for name, (_, expected) in STATES.items()}
    assert team.quota_status(lambda status: status.get("waiting") == 1)
    assert seen(team, "imagequotas") == {"default": ("Healthy", "Current", "Current")}
    quota = team.cluster.rest.get(f"{team.path('imagequotas')}/default")
    assert argocd.health(quota).message.startswith("2 of 2 per 7d used, the next at 20")


@pytest.mark.usefixtures("operator")
def test_nothing_that_is_in_git_drifts(team: Tenant) -> None:
    wanted = image_job()
    apply(team, wanted)
    before = in_git(team)
    team.wait_finished("cat")
    finished = in_git(team)

    apply(team, wanted)

    assert before == finished == in_git(team)
    assert "finalizers" not in before["metadata"]


def in_git(team: Tenant) -> Body:
    """The ImageJob without what the API server and the operator add."""
    body: Body = team.cluster.rest.get(f"{team.path('imagejobs')}/cat")
    theirs = ("resourceVersion", "managedFields")
    meta = {key: value for key, value in body["metadata"].items() if key not in theirs}
    return {"metadata": meta, "spec": body["spec"]}


@pytest.mark.usefixtures("operator")
def test_stores_may_come_after_those_who_need_them(newcomer: Tenant) -> None:
    newcomer.put("incoming/cat.jpg", picture())
    apply(newcomer, image_job(profileRef={"name": "web"}))
    assert reason(newcomer.wait("cat", lambda status: bool(reason(status)))) == "StoreNotFound"

    profile = ours("ImageProfile", "web", {"outputs": [{"name": "thumb", "width": 320}]})
    apply(newcomer, newcomer.secret(), newcomer.store(), profile)

    assert newcomer.wait_finished("cat")["phase"] == "Succeeded"


@pytest.mark.usefixtures("operator")
def test_a_change_of_what_has_finished_fails_the_sync(team: Tenant) -> None:
    apply(team, image_job(key="incoming/nobody.jpg"))
    team.wait_finished("cat")

    for changed in (image_job(), image_job(key="incoming/nobody.jpg", priority=1)):
        with pytest.raises(DevError, match=r"spec.* can't be changed"):
            apply(team, changed)


@pytest.mark.laptop  # a given cluster may have an Argo CD
def test_the_health_checks_are_laid_over_argo_cd_s_configmap(cluster: Client) -> None:
    name = "argocd-cm"
    theirs = (
        "create",
        "configmap",
        name,
        "--namespace=argocd",
        "--from-literal=url=https://a.test",
    )
    cluster.kubectl("create", "namespace", "argocd")
    try:
        cluster.kubectl(*theirs)
        cluster.kubectl("apply", "--server-side", "-k", GITOPS / "argocd/argocd-cm")
        data = cluster.rest.get(f"/api/v1/namespaces/argocd/configmaps/{name}")["data"]
    finally:
        cluster.rest.delete("/api/v1/namespaces/argocd")

    ours_ = {
        f"resource.customizations.health.imagejob.dev_{kind}": argocd.script(kind)
        for kind in ("ImageJob", "ImageQuota")
    }
    assert data == {"url": "https://a.test", **ours_}
