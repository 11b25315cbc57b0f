"""How Argo CD and Flux judge ImageJobs and ImageQuotas in every state."""

from __future__ import annotations

from typing import Any

import celpy
import pytest
import yaml
from imagejob_operator.api.reasons import Reason
from lupa import lua51
from support import apischema, argocd, kstatus
from support.argocd import Health
from support.job_states import CAT, FAILED, JOBS, SUCCEEDED, as_served, edited, imagejob, imagequota
from support.paths import ROOT

Body = dict[str, Any]

FLUX = ROOT / "gitops" / "flux"

JUST_APPLIED = {**as_served(CAT), "status": apischema.schema("imagejobs", "status")["default"]}
NO_STATUS = {key: value for key, value in JUST_APPLIED.items() if key != "status"}
NEVER_IN_A_STATUS = {Reason.ADMITTED, Reason.CANCELLED, Reason.TTL_EXPIRED}
"""Never the reason of Ready: the first is another condition's, the others the audit log's only."""


def ready(body: Body) -> Body:
    """Its Ready condition."""
    (found,) = (each for each in body["status"]["conditions"] if each["type"] == "Ready")
    condition: Body = found
    return condition


def expected(state: str) -> tuple[str, str]:
    """What Argo CD and kstatus should report for a state."""
    if state in SUCCEEDED:
        return "Healthy", "Current"
    if state in FAILED:
        return "Degraded", "Failed"
    return ("Suspended" if state == "pending-suspended" else "Progressing"), "InProgress"


def checks(name: str = "health-check-exprs") -> dict[str, dict[str, str]]:
    """Kind → its entry of a file of expressions."""
    entries = yaml.safe_load((FLUX / f"{name}.yaml").read_text())
    return {entry["kind"]: entry for entry in entries}


def test_there_is_an_imagejob_for_every_reason_that_a_status_gives() -> None:
    reasons = {ready(imagejob(state))["reason"] for state in JOBS}

    assert reasons == {reason.value for reason in set(Reason) - NEVER_IN_A_STATUS}


@pytest.mark.parametrize("state", JOBS)
def test_an_imagejob_in_argo_cd(state: str) -> None:
    body = imagejob(state)
    told = ready(body)

    assert argocd.health(body) == Health(expected(state)[0], f"{told['reason']}: {told['message']}")


def test_argo_cd_shows_what_it_waits_for_and_how_long() -> None:
    line = "waits for the quota of 50 per 1h: 3rd in line, continues at 2026-11-22 10:30:01 UTC"

    assert argocd.health(imagejob("throttled-quota-used-up")).message == f"QuotaUsedUp: {line}"


@pytest.mark.parametrize("state", JOBS)
def test_an_imagejob_by_kstatus_and_by_flux_s_expressions(state: str) -> None:
    body = imagejob(state)

    assert kstatus.compute(body) == expected(state)[1]
    assert kstatus.evaluate(body, checks()["ImageJob"]) == expected(state)[1]


@pytest.mark.parametrize("state", JOBS)
def test_what_the_operator_has_not_looked_at_again_makes_progress(state: str) -> None:
    body = edited(imagejob(state))

    assert argocd.health(body).status == "Progressing"
    assert kstatus.compute(body) == "InProgress"
    assert kstatus.evaluate(body, checks()["ImageJob"]) == "InProgress"


UNSEEN = {
    "an ImageJob": JUST_APPLIED,
    "an ImageQuota": imagequota(looked_at=False)
    | {"status": apischema.schema("imagequotas", "status")["default"]},
}


@pytest.mark.parametrize("body", UNSEEN.values(), ids=UNSEEN)
def test_what_was_just_applied_makes_progress(body: Body) -> None:
    assert argocd.health(body) == Health("Progressing", "the operator has not looked at it yet")
    assert kstatus.compute(body) == "InProgress"
    assert kstatus.evaluate(body, checks()[body["kind"]]) == "InProgress"


def test_without_the_crd_s_default_kstatus_would_take_a_new_imagejob_for_ready() -> None:
    assert kstatus.compute(NO_STATUS) == "Current"
    assert argocd.health(NO_STATUS).status == "Progressing"
    with pytest.raises(celpy.CELEvalError):
        kstatus.evaluate(NO_STATUS, checks()["ImageJob"])


@pytest.mark.parametrize("body", UNSEEN.values(), ids=UNSEEN)
def test_a_status_without_conditions_is_not_the_end(body: Body) -> None:
    bare = {**body, "status": {"observedGeneration": body["metadata"]["generation"]}}

    assert argocd.health(bare).status == "Progressing"
    assert kstatus.evaluate(bare, checks()[body["kind"]]) == "InProgress"


QUOTAS = {
    "unused": (imagequota(), "0 of 50 per 1h used"),
    "in use": (imagequota(48), "48 of 50 per 1h used"),
    "used up": (
        imagequota(50, waiting=6),
        "50 of 50 per 1h used, the next at 2026-11-22T11:00:19.584000Z; 6 wait",
    ),
}


@pytest.mark.parametrize(("body", "message"), QUOTAS.values(), ids=QUOTAS)
def test_a_quota_is_healthy_while_it_is_applied(body: Body, message: str) -> None:
    assert argocd.health(body) == Health("Healthy", message)
    assert kstatus.compute(body) == "Current"
    assert kstatus.evaluate(body, checks()["ImageQuota"]) == "Current"


ACCEPTED = {"throttled-quota-used-up", "pending-suspended", "succeeded"}


@pytest.mark.parametrize("state", JOBS)
def test_what_is_only_accepted_may_be_enough_for_flux(state: str) -> None:
    found = kstatus.evaluate(imagejob(state), checks("health-check-exprs-accepted")["ImageJob"])

    assert found == ("Current" if state in ACCEPTED else expected(state)[1])


def test_every_kind_that_has_a_status_has_a_health_check() -> None:
    kinds = {
        apischema.crd(name)["spec"]["names"]["kind"]
        for name in apischema.NAMES
        if "status" in apischema.schema(name)["properties"]
    }

    assert {folder.parent.name for folder in argocd.CHECKS.rglob("health.lua")} == kinds
    assert checks().keys() == kinds


@pytest.mark.parametrize("name", apischema.NAMES)
def test_a_status_that_says_nothing_yet_is_out_of_date(name: str) -> None:
    status = apischema.schema(name)["properties"].get("status")

    assert status is None or status["default"] == {"observedGeneration": 0}


LIBRARIES = ["string.upper('healthy')", "('healthy'):upper()", "math.floor(1)", "io.open('x')"]


@pytest.mark.parametrize("call", [*LIBRARIES, "os.execute('true')"])
def test_the_tests_give_a_script_no_more_than_argo_cd_does(call: str) -> None:
    with pytest.raises(lua51.LuaError, match="attempt to"):
        argocd.health(JUST_APPLIED, f"return {{status = {call}}}")


APPLICATIONS = {
    "one is suspended": ({"succeeded", "pending-suspended"}, "Suspended"),
    "one waits for the quota": ({"succeeded", "throttled-quota-used-up"}, "Progressing"),
    "one has failed": ({"running-processing", "failed-TooLarge"}, "Degraded"),
    "all are done": ({"succeeded"}, "Healthy"),
}


@pytest.mark.parametrize(("states", "health"), APPLICATIONS.values(), ids=APPLICATIONS)
def test_an_application_is_as_its_worst_imagejob(states: set[str], health: str) -> None:
    assert argocd.worst(argocd.health(imagejob(state)) for state in states) == health
