"""The gateway's alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Case

if TYPE_CHECKING:
    from . import Series


def problems(reason: str, each_minute: int, requests: int = 0) -> Series:
    """That many more per minute, of the gateway in team-a."""
    return {
        f'imagejob_gateway_problems_total{{namespace="team-a",reason="{reason}"}}': (
            f"0+{each_minute}x60"
        ),
        'imagejob_gateway_requests_total{namespace="team-a",route="/"}': f"0+{requests}x60",
    }


def posts(failed: int, good: int) -> Series:
    """That many more uploads per minute."""
    start = 'imagejob_gateway_requests_total{namespace="team-a",method="POST",status='
    return {f'{start}"503"}}': f"0+{failed}x60", f'{start}"202"}}': f"0+{good}x60"}


MISSING = (
    'imagejob_gateway_missing_objects{namespace="team-a",kind="ImageProfile",name="web",pod="a"'
)

CASES = {
    "ImageJobGatewayDown": Case(
        1,
        4,
        fires={'imagejob_gateway_build_info{namespace="team-b"}': "1x20"},
        quiet={'imagejob_gateway_build_info{namespace="team-a"}': "1x20"},
    ),
    "ImageJobGatewayNotWatching": Case(
        0,
        2,
        fires={'imagejob_gateway_unwatched_kinds{namespace="team-a",pod="a"}': "1x20"},
        quiet={'imagejob_gateway_unwatched_kinds{namespace="team-a",pod="a"}': "1 0x20"},
    ),
    "ImageJobGatewayStoreUnavailable": Case(
        2,
        5,
        fires=problems("StorageUnavailable", 1),
        quiet=problems("UnsupportedFormat", 10),
    ),
    "ImageJobGatewayApiErrors": Case(
        2,
        5,
        fires=problems("ApiServerUnavailable", 1),
        quiet=problems("StorageUnavailable", 1),
    ),
    "ImageJobGatewayUploadErrors": Case(4, 20, fires=posts(6, 94), quiet=posts(4, 96)),
    "ImageJobGatewayBug": Case(0, 3, fires=problems("Internal", 1), quiet=problems("Internal", 0)),
    "ImageJobGatewayUnauthenticated": Case(
        5,
        20,
        fires=problems("Unauthenticated", 60, requests=100),
        quiet=problems("Unauthenticated", 40, requests=100),
    ),
    "ImageJobGatewayMissingObject": Case(
        4,
        6,
        fires={f"{MISSING}}}": "1x20"},
        quiet={f"{MISSING}}}": "1x3 0x20"},
    ),
    "ImageJobGatewayStateUnreadable": Case(
        0, 3, fires=problems("StateUnreadable", 1), quiet=problems("StateFull", 1)
    ),
    "ImageJobGatewayStateFull": Case(
        0, 3, fires=problems("StateFull", 1), quiet=problems("StateFull", 0)
    ),
}
