"""GET /."""

from __future__ import annotations

from fastapi import APIRouter
from imagejob_operator.api.version import VERSION

from imagejob_gateway.http.models import RootModel
from imagejob_gateway.http.views import IMAGES

router = APIRouter(tags=["about"])

LINKS = {
    "health": "/api/v1/health/",
    "stats": "/api/v1/health/stats",
    "images": IMAGES,
    "upload": f"{IMAGES}/upload",
    "docs": "/docs",
    "openapi": "/openapi.json",
}


@router.get("/", operation_id="getRoot")
async def get_root() -> RootModel:
    """Say what this is."""
    return RootModel(name="imagejob-gateway", version=VERSION, links=LINKS)
