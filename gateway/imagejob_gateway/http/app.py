"""The application: its routes, in the order of the documentation, and what surrounds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from imagejob_operator.api.version import VERSION
from starlette.middleware.cors import CORSMiddleware

from . import problems
from .middleware import REQUEST_ID, RequestContext
from .models import REFERENCE, ProblemModel, ReservationModel
from .routes import health, images, root, slots, uploads

if TYPE_CHECKING:
    from typing import Any

    from .services import Services


def application(services: Services) -> FastAPI:
    """Put the application together."""
    app = FastAPI(
        title="imagejob-gateway",
        version=VERSION,
        description="Uploads of images, as ImageJobs of one namespace.",
        redirect_slashes=True,
    )
    app.state.services = services
    for part in (root, health, uploads, slots, images):
        app.include_router(part.router)
    problems.install(app)
    if services.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(services.settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", REQUEST_ID],
            expose_headers=["Location", "Retry-After", REQUEST_ID],
        )
    app.add_middleware(RequestContext)
    _document_models(app)
    return app


def _document_models(app: FastAPI) -> None:
    """Add the schemas of what no route returns as its own answer, or reads by its parameters."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for model in (ProblemModel, ReservationModel):
            schema = model.model_json_schema(ref_template=REFERENCE)
            schemas |= schema.pop("$defs", {})
            schemas[model.__name__] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
