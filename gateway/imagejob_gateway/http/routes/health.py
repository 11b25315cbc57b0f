"""Health, for load balancers and people; counts, for callers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from imagejob_gateway.http import views
from imagejob_gateway.http.health import Health, readiness
from imagejob_gateway.http.models import HealthModel, StatsModel
from imagejob_gateway.http.problems import documented
from imagejob_gateway.http.security import OF_TOKENS, Anybody, Reader
from imagejob_gateway.http.services import Have
from imagejob_gateway.problem import ProblemReason

router = APIRouter(prefix="/api/v1/health", tags=["health"])

UNREADY = 503


OR_NONE: dict[str, Any] = {"security": [{}]}
"""In the document: beside the token, nothing will do."""

OF_READER = documented(*OF_TOKENS, ProblemReason.INVALID_PARAMETER)


@router.get(
    "/",
    operation_id="getHealth",
    responses={
        **OF_READER,
        UNREADY: {
            **OF_READER[UNREADY],
            "model": HealthModel,
            "description": "A dependency doesn't work, or the token can't be checked.",
        },
    },
    openapi_extra=OR_NONE,
)
async def get_health(services: Have, anybody: Anybody, response: Response) -> HealthModel:
    """Say whether each dependency works: the API server, the stores, and the profiles.

    Which there are, and what is wrong, is only for those who have a token.
    """
    found = await services.health.get()
    return _shown(found, response, in_detail=anybody is not None)


@router.get("/live", operation_id="getLiveness")
async def get_liveness() -> dict[str, bool]:
    """Say that the process answers; for the kubelet."""
    return {"live": True}


@router.get(
    "/ready",
    operation_id="getReadiness",
    responses={
        UNREADY: {"model": HealthModel, "description": "The namespace isn't listed and watched."}
    },
)
async def get_readiness(services: Have, response: Response) -> HealthModel:
    """Say whether requests should come here; for the kubelet.

    A store that is down makes no replica unready: its clients get a 503 that says why.
    """
    return _shown(readiness(services.unwatched()), response, in_detail=False)


@router.get(
    "/stats",
    operation_id="getStats",
    responses=OF_READER,
)
async def get_stats(services: Have, caller: Reader) -> StatsModel:
    """Count the caller's images, or with the scope `all` everybody's; a second old at most."""
    return services.stats.get(None if caller.is_for_all else caller.owner)


def _shown(found: Health, response: Response, *, in_detail: bool) -> HealthModel:
    if not found.is_ready:
        response.status_code = UNREADY
    return views.health(found, in_detail=in_detail)
