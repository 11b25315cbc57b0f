"""The operator's environment, and the messages about a wrong one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from imagejob_operator.config.bounds import Bounds
from imagejob_operator.config.platform import Caps, Platform, WorkerMemory
from imagejob_operator.config.reserve import Reserve
from imagejob_operator.config.settings import SettingsError, from_environment
from imagejob_operator.config.timings import Timings
from imagejob_operator.config.worker_pod import Toleration, WorkerPod
from imagejob_operator.quota.rates import Policy, parse_rate

IMAGE = {"IMAGEJOB_WORKER_IMAGE": "worker:1"}


def test_sizes_lists_and_numbers_are_read() -> None:
    settings = from_environment(
        {
            **IMAGE,
            "IMAGEJOB_FORMATS": "jpeg, gif",
            "IMAGEJOB_MAX_BYTES": "10Mi",
            "IMAGEJOB_MAX_FRAMES": "7",
            "IMAGEJOB_QUOTA": "50/1h, 400/1d",
            "IMAGEJOB_LEADER_ELECTION": "false",
            "HOME": "/nowhere",
        }
    )

    platform = settings.platform
    assert settings.quota == ("50/1h", "400/1d")
    assert settings.leader_election is False
    assert platform.worker_image == "worker:1"
    assert platform.formats == ("jpeg", "gif")
    assert platform.limits.max_bytes == 10 * 1024 * 1024
    assert platform.limits.max_frames == 7


def test_what_is_not_given_is_as_decisions_have_it() -> None:
    settings = from_environment(IMAGE)

    hourly = Policy((parse_rate("50/1h"),))
    assert settings.platform == Platform(worker_image="worker:1")
    assert settings.caps == Caps(hourly, 64, 32, reserved_share=0.25)
    assert settings.caps.reserve == Reserve(places=64, kept=16)


def test_the_quota_the_caps_the_retries_and_the_memory_can_be_set() -> None:
    settings = from_environment(
        {
            **IMAGE,
            "IMAGEJOB_QUOTA": "5/1m,50/1h",
            "IMAGEJOB_MAX_WORKERS": "4",
            "IMAGEJOB_MAX_WORKERS_PER_NAMESPACE": "3",
            "IMAGEJOB_RESERVED_WORKER_SHARE": "0.5",
            "IMAGEJOB_MAX_TIMEOUT_SECONDS": "60",
            "IMAGEJOB_MAX_RETRIES": "0",
            "IMAGEJOB_MIN_BYTES_PER_SECOND": "64Ki",
            "IMAGEJOB_BACKOFF_SECONDS": "2",
            "IMAGEJOB_WORKER_PARALLELISM": "3",
            "IMAGEJOB_INTERNAL_CIDRS": "10.96.12.7, fd00:10:96::7/112",
            "IMAGEJOB_SMALL_WORKER_MEMORY": "300Mi",
            "IMAGEJOB_SMALL_CHILD_MEMORY": "200Mi",
            "IMAGEJOB_LARGE_WORKER_MEMORY": "6Gi",
            "IMAGEJOB_LARGE_CHILD_MEMORY": "5Gi",
            "IMAGEJOB_TIMINGS": '{"replaced_after": 4.5}',
            "IMAGEJOB_TRUST_REQUESTER": "true",
        }
    )

    platform = settings.platform
    rates = Policy((parse_rate("5/1m"), parse_rate("50/1h")))
    assert settings.caps == Caps(rates, 4, 3, reserved_share=0.5)
    assert platform.bounds == Bounds(60, 0, 64 * 1024)
    assert platform.backoff == timedelta(seconds=2)
    assert platform.timings == Timings(replaced_after=timedelta(seconds=4.5))
    assert platform.parallelism == 3
    assert platform.internal_cidrs == ("10.96.12.7/32", "fd00:10:96::/112")
    assert platform.small_memory == WorkerMemory(300 * 1024**2, 200 * 1024**2)
    assert platform.large_memory == WorkerMemory(6 * 1024**3, 5 * 1024**3)
    assert platform.memory == Platform("").memory
    assert platform.trusts_requester


KEPT = {
    "nothing": (0.0, 64, 0),
    "a part": (0.1, 30, 3),
    "a part, rounded up": (0.25, 2, 1),
    "the least that is something": (0.01, 64, 1),
    "all but one": (1.0, 8, 7),
    "none of one": (0.25, 1, 0),
}


@pytest.mark.parametrize(("part", "workers", "kept"), KEPT.values(), ids=KEPT)
def test_the_reserve_is_a_part_of_all_workers(part: float, workers: int, kept: int) -> None:
    caps = Caps(Policy(()), workers, workers, part)

    assert caps.reserve == Reserve(workers, kept)


def test_what_is_added_to_worker_pods_is_written_as_in_a_pod() -> None:
    settings = from_environment(
        {
            **IMAGE,
            "IMAGEJOB_WORKER_IMAGE_PULL_SECRETS": "registry, mirror",
            "IMAGEJOB_WORKER_NODE_SELECTOR": '{"kubernetes.io/arch": "arm64"}',
            "IMAGEJOB_WORKER_TOLERATIONS": '[{"key": "a", "tolerationSeconds": 5}]',
            "IMAGEJOB_WORKER_ANNOTATIONS": '{"example.com/note": "one, two"}',
            "IMAGEJOB_WORKER_LABELS": '{"cost-centre": ""}',
            "IMAGEJOB_WORKER_PRIORITY_CLASS_NAME": "low",
            "IMAGEJOB_WORKER_RUNTIME_CLASS_NAME": "gvisor",
        }
    )

    assert settings.platform.pod == WorkerPod(
        image_pull_secrets=("registry", "mirror"),
        node_selector={"kubernetes.io/arch": "arm64"},
        tolerations=(Toleration(key="a", toleration_seconds=5),),
        annotations={"example.com/note": "one, two"},
        labels={"cost-centre": ""},
        priority_class_name="low",
        runtime_class_name="gvisor",
    )


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "^IMAGEJOB_WORKER_IMAGE must be set$"),
        ({**IMAGE, "IMAGEJOB_MAX_BYTES": "much"}, "IMAGEJOB_MAX_BYTES: 'much' is not a quantity"),
        ({**IMAGE, "IMAGEJOB_MAX_PIXELS": "0"}, "max_pixels"),
        ({**IMAGE, "IMAGEJOB_MAX_TIMEOUT_SECONDS": "3601"}, "max_timeout_seconds"),
        ({**IMAGE, "IMAGEJOB_MAX_RETRIES": "11"}, "max_retries"),
        ({**IMAGE, "IMAGEJOB_MIN_BYTES_PER_SECOND": "slow"}, "IMAGEJOB_MIN_BYTES_PER_SECOND"),
        ({**IMAGE, "IMAGEJOB_FORMATS": "jpeg,bmp"}, "formats"),
        ({**IMAGE, "IMAGEJOB_LEASE_SECONDS": "1"}, "lease_seconds"),
        ({**IMAGE, "IMAGEJOB_LEADER_ELECTION": "maybe"}, "leader_election"),
        ({**IMAGE, "IMAGEJOB_LISTEN": "8080"}, "listen"),
        ({**IMAGE, "IMAGEJOB_QUOTA": ""}, "IMAGEJOB_QUOTA: at least one rate is needed"),
        ({**IMAGE, "IMAGEJOB_QUOTA": "5/1h, 6/1h"}, "IMAGEJOB_QUOTA: two rates have the same"),
        ({**IMAGE, "IMAGEJOB_QUOTA": "50 per hour"}, "IMAGEJOB_QUOTA"),
        ({**IMAGE, "IMAGEJOB_MAX_WORKERS": "0"}, "max_workers"),
        ({**IMAGE, "IMAGEJOB_RESERVED_WORKER_SHARE": "25"}, "reserved_worker_share"),
        ({**IMAGE, "IMAGEJOB_BACKOFF_SECONDS": "0"}, "backoff_seconds"),
        ({**IMAGE, "IMAGEJOB_WORKER_PARALLELISM": "0"}, "worker_parallelism"),
        ({**IMAGE, "IMAGEJOB_INTERNAL_CIDRS": "10.96.0.0/12,minio"}, "'minio' does not appear"),
        ({**IMAGE, "IMAGEJOB_INTERNAL_CIDRS": "10.0.0.0/8," * 65}, "INTERNAL_CIDRS"),
        (
            {**IMAGE, "IMAGEJOB_LARGE_CHILD_MEMORY": "3Gi"},
            "IMAGEJOB_LARGE_CHILD_MEMORY: must be less than IMAGEJOB_LARGE_WORKER_MEMORY",
        ),
        ({**IMAGE, "IMAGEJOB_WORKER_IMAGE_PULL_POLICY": "Sometimes"}, "WORKER_IMAGE_PULL_POLICY"),
        ({**IMAGE, "IMAGEJOB_WORKER_IMAGE_PULL_SECRETS": "a, B_"}, "WORKER_IMAGE_PULL_SECRETS"),
        ({**IMAGE, "IMAGEJOB_WORKER_LABELS": "a=b"}, "IMAGEJOB_WORKER_LABELS: JSON is malformed"),
        ({**IMAGE, "IMAGEJOB_WORKER_LABELS": '{"a": "b c"}'}, "IMAGEJOB_WORKER_LABELS"),
        ({**IMAGE, "IMAGEJOB_WORKER_LABELS": '{"a": true}'}, "IMAGEJOB_WORKER_LABELS"),
        (
            {**IMAGE, "IMAGEJOB_WORKER_LABELS": '{"imagejob.dev/component": "tea"}'},
            "IMAGEJOB_WORKER_LABELS: imagejob.dev/component is reserved for the operator",
        ),
        ({**IMAGE, "IMAGEJOB_WORKER_NODE_SELECTOR": '{"-": "b"}'}, "IMAGEJOB_WORKER_NODE_SELECTOR"),
        ({**IMAGE, "IMAGEJOB_WORKER_ANNOTATIONS": "[]"}, "IMAGEJOB_WORKER_ANNOTATIONS"),
        ({**IMAGE, "IMAGEJOB_WORKER_TOLERATIONS": '[{"kee": "a"}]'}, "IMAGEJOB_WORKER_TOLERATIONS"),
    ],
)
def test_a_wrong_one_is_named(variables: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        from_environment(variables)
