"""What Helm renders from the gateway's chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from imagejob_dev.client import GATEWAY_CHART, REPOSITORY
from imagejob_dev.errors import DevError
from imagejob_gateway.config import DirectSettings, Settings, SlotSettings, load
from imagejob_gateway.state.shards import NAME, SHARDS
from support.helm_chart import Body, of, one

if TYPE_CHECKING:
    from pathlib import Path

    from support.helm_chart import Helm

TEAM = "team-a"
EVERYTHING: dict[str, Any] = {
    "stores": [
        {"name": "uploads", "secretName": "a"},
        {
            "name": "prints",
            "secretName": "b",
            "publicEndpoint": "https://s3.example.com",
            "direct": {"method": "POST", "conditional": False, "checksums": False},
        },
    ],
    "profiles": [{"name": "web"}, {"name": "print", "store": "prints"}],
    "uploads": {
        "prefix": "in/here",
        "formats": ["jpeg"],
        "maxBytes": "10Mi",
        "limitPerSubject": "7/1d",
        "retriesPerSubject": "9/1d",
        "minBytesPerSecond": 4096,
        "leaseSeconds": 9,
    },
    "slots": {"prefix": "in/quarantine", "seconds": 60, "maxOpen": 5},
    "outputs": {"urlSeconds": 60},
    "auth": {
        "issuers": [{"issuer": "i", "audience": "a", "secretName": "jwt", "key": "secret"}],
    },
    "internalCidrs": ["10.96.0.0/12"],
    "cors": {"origins": ["https://app.example.com"]},
    "port": 9000,
    "maxConnections": 99,
    "ingress": {"enabled": True, "hosts": ["a.example.com"]},
    "httpRoute": {
        "enabled": True,
        "parentRefs": [{"name": "public"}],
        "hostnames": ["b.example.com"],
    },
    "metrics": {"port": 9001},
    "logLevel": "DEBUG",
    "logFormat": "text",
}


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> list[Body]:
    return helm.template({}, chart=GATEWAY_CHART, namespace=TEAM)


def settings(bodies: list[Body], folder: Path) -> Settings:
    """The file as the gateway reads it."""
    path = folder / "settings.json"
    path.write_text(one(bodies, "ConfigMap", "imagejob-gateway")["data"]["settings.json"])
    return load(str(path))


def pod(bodies: list[Body]) -> Body:
    spec: Body = one(bodies, "Deployment")["spec"]["template"]["spec"]
    return spec


def test_it_is_without_a_fault_for_lint(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", GATEWAY_CHART)


def test_every_setting_is_reached_from_a_value(helm: Helm, tmp_path: Path) -> None:
    bodies = helm.template(EVERYTHING, chart=GATEWAY_CHART, namespace=TEAM)

    found = settings(bodies, tmp_path)

    default = Settings(found.namespace, found.stores, found.profiles, found.issuers)
    names = Settings.__struct_fields__[4:]
    assert [name for name in names if getattr(found, name) == getattr(default, name)] == []
    assert found.namespace == TEAM
    assert found.hosts == ("a.example.com", "b.example.com")
    assert found.profiles[1].store == "prints"
    assert found.stores[1].public_endpoint == "https://s3.example.com"
    assert found.stores[1].direct == DirectSettings("POST", conditional=False, checksums=False)
    assert found.slots == SlotSettings("in/quarantine", seconds=60, max_open=5)


def test_its_defaults_are_the_gateway_s_own(rendered: list[Body], tmp_path: Path) -> None:
    found = settings(rendered, tmp_path)

    assert found == Settings(TEAM, found.stores, found.profiles, found.issuers)


def test_each_file_that_the_settings_name_is_mounted(helm: Helm, tmp_path: Path) -> None:
    bodies = helm.template(EVERYTHING, chart=GATEWAY_CHART, namespace=TEAM)
    found, spec = settings(bodies, tmp_path), pod(bodies)

    (container,) = spec["containers"]
    paths = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    volumes = {each["name"]: each for each in spec["volumes"]}
    secrets = {
        path: volumes[name]["secret"]["secretName"]
        for path, name in paths.items()
        if "secret" in volumes[name]
    }
    folder = found.issuers[0].key_file.rpartition("/")[0]
    assert secrets == {
        found.stores[0].credentials: "a",
        found.stores[1].credentials: "b",
        folder: "jwt",
    }
    assert volumes[paths[folder]]["secret"]["items"] == [{"key": "secret", "path": "key"}]


def test_new_settings_make_new_pods(helm: Helm, rendered: list[Body]) -> None:
    other = helm.template({"port": 9000}, chart=GATEWAY_CHART, namespace=TEAM)

    sums = [
        one(each, "Deployment")["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
        for each in (rendered, other)
    ]
    assert sums[0] != sums[1]


def test_it_reads_no_secret_and_writes_nothing_but_imagejobs_and_its_state(
    rendered: list[Body],
) -> None:
    rules = one(rendered, "Role")["rules"]

    assert not of(rendered, "ClusterRole")
    may = {
        (resource, verb)
        for rule in rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert {resource for resource, _ in may} == {
        *("imagejobs", "imageprofiles", "imagestores", "imagequotas", "configmaps"),
        "imagejobs/on-behalf-of",
    }
    writes = {(resource, verb) for resource, verb in may if verb not in ("get", "list", "watch")}
    assert writes == {
        *(("imagejobs", "create"), ("imagejobs", "delete"), ("configmaps", "patch")),
        ("imagejobs/on-behalf-of", "create"),  # no object, but what the operator's policy asks for
    }


def test_the_configmaps_of_the_state_have_no_data_and_are_all_that_it_may_write(
    rendered: list[Body],
) -> None:
    names = [NAME.format(shard) for shard in range(SHARDS)]

    (rule,) = (rule for rule in one(rendered, "Role")["rules"] if "" in rule["apiGroups"])
    assert (rule["resourceNames"], rule["verbs"]) == (names, ["get", "patch"])
    assert all("data" not in one(rendered, "ConfigMap", name) for name in names)


ISSUER = {"issuer": "i", "audience": "a"}
PEM = "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n"


def test_an_issuer_s_keys_may_be_elsewhere_than_in_a_secret(helm: Helm, tmp_path: Path) -> None:
    fields = {"algorithm": "RS256", "jwksUrl": "http://keycloak.auth/keys", "allowHttp": True}
    other = {"issuer": "j", "audience": "a", "algorithm": "EdDSA", "publicKey": PEM, "keyId": "k"}
    third = {"issuer": "k", "audience": "a", "algorithm": "ES256", "secretName": "public"}
    values = {"auth": {"issuers": [{**ISSUER, **fields}, other, third]}}
    bodies = helm.template(values, chart=GATEWAY_CHART, namespace=TEAM)

    found = settings(bodies, tmp_path).issuers

    assert found[0].jwks_url == fields["jwksUrl"]
    assert (found[1].public_key, found[1].key_id) == (PEM, "k")
    volumes = [each["secret"] for each in pod(bodies)["volumes"] if "secret" in each]
    assert [each["secretName"] for each in volumes] == ["uploads-s3", "public"]
    mounts = [each["mountPath"] for each in pod(bodies)["containers"][0]["volumeMounts"]]
    assert found[2].key_file.rpartition("/")[0] in mounts


def of_issuer(**fields: Any) -> dict[str, Any]:
    return {"auth": {"issuers": [{**ISSUER, **fields}]}}


WRONG = {
    "no key": (of_issuer(), "issuers"),
    "two keys": (of_issuer(algorithm="RS256", secretName="a", publicKey=PEM), "issuers"),
    "a secret that is public": (of_issuer(publicKey=PEM), "secretName"),
    "an algorithm that is none": (of_issuer(secretName="a", algorithm="none"), "algorithm"),
    "keys at no URL": (of_issuer(algorithm="RS256", jwksUrl="keys.json"), "jwksUrl"),
    "no store": ({"stores": []}, "stores"),
    "no profile": ({"profiles": []}, "profiles"),
    "no issuer": ({"auth": {"issuers": []}}, "issuers"),
    "a store without a Secret": ({"stores": [{"name": "a"}]}, "secretName"),
    "a misspelt value": ({"profile": "web"}, "profile"),
    "any origin": ({"cors": {"origins": ["*"]}}, "origins"),
    "a limit that is none": ({"uploads": {"limitPerSubject": "50"}}, "limitPerSubject"),
    "a prefix that climbs": ({"uploads": {"prefix": "a/.."}}, "prefix"),
    "a quarantine that climbs": ({"slots": {"prefix": "."}}, "prefix"),
    "a network that is an address": ({"internalCidrs": ["10.96.12.7"]}, "internalCidrs"),
    "a format that is none": ({"uploads": {"formats": ["jpg"]}}, "formats"),
}


@pytest.mark.parametrize(("values", "named"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_by_name(helm: Helm, values: dict[str, Any], named: str) -> None:
    with pytest.raises(DevError, match=named):
        helm.template(values, chart=GATEWAY_CHART, namespace=TEAM)


def test_the_chart_has_this_version() -> None:
    chart = yaml.safe_load((GATEWAY_CHART / "Chart.yaml").read_text())

    assert f'version = "{chart["appVersion"]}"' in (REPOSITORY / "pyproject.toml").read_text()
