"""The operator's environment, and what is said of a wrong one."""

from __future__ import annotations

import pytest
from imagejob_operator.settings import SettingsError, from_environment

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


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "worker_image"),
        ({**IMAGE, "IMAGEJOB_MAX_BYTES": "much"}, "IMAGEJOB_MAX_BYTES: 'much' is no quantity"),
        ({**IMAGE, "IMAGEJOB_MAX_PIXELS": "0"}, "max_pixels"),
        ({**IMAGE, "IMAGEJOB_FORMATS": "jpeg,bmp"}, "formats"),
        ({**IMAGE, "IMAGEJOB_LEASE_SECONDS": "1"}, "lease_seconds"),
        ({**IMAGE, "IMAGEJOB_LEADER_ELECTION": "maybe"}, "leader_election"),
        ({**IMAGE, "IMAGEJOB_LISTEN": "8080"}, "listen"),
    ],
)
def test_a_wrong_one_is_named(variables: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        from_environment(variables)
