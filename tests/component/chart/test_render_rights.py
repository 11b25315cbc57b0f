"""The chart's rights: those of the plain files, no Secrets, aggregated as the values say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from imagejob_dev.client import CHART
from support.helm_chart import Body, of, one

if TYPE_CHECKING:
    from support.helm_chart import Helm

ROLES = ("ClusterRole", "Role")


def test_the_operator_s_rights_are_the_plain_file_s(defaults: list[Body]) -> None:
    plain = list(yaml.safe_load_all((CHART / "roles" / "operator.yaml").read_text()))

    rendered = [one(defaults, body["kind"], body["metadata"]["name"]) for body in plain]

    assert [{**body, "metadata": None} for body in rendered] == [
        {**body, "metadata": None} for body in plain
    ]


def test_nobody_is_given_secrets_or_wildcards(defaults: list[Body]) -> None:
    rules = [rule for kind in ROLES for body in of(defaults, kind) for rule in body["rules"]]

    named = {word for rule in rules for words in rule.values() for word in words}
    assert {"imagejobs", "configmaps", "leases"} <= named
    assert not {"secrets", "*"} & named
    assert not of(defaults, "Secret")


@pytest.mark.parametrize("name", ["view", "edit", "stores"])
def test_a_role_that_is_not_aggregated_is_there_to_be_bound(helm: Helm, name: str) -> None:
    bodies = helm.template({"rbac": {"aggregate": {name: False}}})

    role = one(
        bodies, "ClusterRole", {"stores": "imagejob-edit-stores"}.get(name, f"imagejob-{name}")
    )
    others = [each for each in of(bodies, "ClusterRole") if each != role]
    assert not _aggregates(role)
    assert len([each for each in others if _aggregates(each)]) == 2


def _aggregates(role: Body) -> bool:
    return any(label.startswith("rbac.") for label in role["metadata"]["labels"])
