"""What GitOps tools' own code reports for every state, compared with our imitations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import celpy
import pytest
import yaml
from imagejob_dev import command
from imagejob_dev.tools.catalogue import HEALTH
from imagejob_dev.tools.find import find
from support import argocd, kstatus
from support.job_states import CAT, JOBS, as_served, edited, imagejob, imagequota

if TYPE_CHECKING:
    from pathlib import Path

Body = dict[str, Any]
Verdict = dict[str, str]

FLUX = argocd.FOLDER.parent / "flux"
UNSEEN = {"status": {"observedGeneration": 0}}


def bodies() -> dict[str, Body]:
    """Every state, and objects that resemble one."""
    jobs = {state: imagejob(state) for state in JOBS}
    no_status = {key: value for key, value in as_served(CAT).items() if key != "status"}
    return {
        **jobs,
        **{f"{state}, edited since": edited(body) for state, body in jobs.items()},
        "just applied": {**no_status, **UNSEEN},
        "no status": no_status,
        "no conditions": {**no_status, "status": {"observedGeneration": 1}},
        "quota, just applied": {**imagequota(looked_at=False), **UNSEEN},
        "quota": imagequota(),
        "quota in use": imagequota(48),
        "quota used up": imagequota(50, waiting=6),
    }


def taken_to_say(body: Body, check: dict[str, str]) -> Verdict:
    """The results of tests/support/argocd.py and tests/support/kstatus.py."""
    health = argocd.health(body)
    try:
        flux = kstatus.evaluate(body, check)
    except celpy.CELEvalError:
        flux = "Error"
    shown = {"argocd": health.status, "message": health.message}
    return {**shown, "kstatus": kstatus.compute(body), "flux": flux}


@pytest.mark.parametrize("name", ["health-check-exprs", "health-check-exprs-accepted"])
def test_the_tools_say_what_we_take_them_to_say(name: str, tmp_path: Path) -> None:
    checks = {entry["kind"]: entry for entry in yaml.safe_load((FLUX / f"{name}.yaml").read_text())}
    known = {state: body for state, body in bodies().items() if body["kind"] in checks}
    cases = [
        {"object": body, "script": argocd.script(body["kind"]), "check": checks[body["kind"]]}
        for body in known.values()
    ]

    health = find(modules=(HEALTH,))["health"]
    verdicts = command.run([health], tmp_path, stdin="\n".join(map(json.dumps, cases)))

    said = dict(zip(known, map(json.loads, verdicts.splitlines()), strict=True))
    assert said == {
        state: taken_to_say(body, checks[body["kind"]]) for state, body in known.items()
    }
    assert {"Error", "InProgress", "Current", "Failed"} == {each["flux"] for each in said.values()}
