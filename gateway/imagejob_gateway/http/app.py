"""The application: its routes, in the order of the documentation, and what surrounds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from imagejob_operator.api.version import VERSION

from . import docs, problems
from .connections import Crowded
from .cors import Cors
from .middleware import REQUEST_ID, RequestContext
from .models import REFERENCE, ProblemModel, ReservationModel
from .paths import Paths
from .routes import events, health, images, root, slots, uploads

if TYPE_CHECKING:
    from .services import Services


def application(services: Services) -> FastAPI:
    """Put the application together."""
    app = _api()
    app.state.services = services
    app.state.paths = Paths(app.openapi())
    app.add_middleware(problems.Bugs)  # the last one added is asked first
    app.add_middleware(Crowded)
    if services.settings.cors_origins:
        app.add_middleware(
            Cors,
            allow_origins=list(services.settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=[
                *("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", REQUEST_ID),
            ],
            expose_headers=["Location", "Retry-After", REQUEST_ID],
        )
    app.add_middleware(RequestContext, paths=app.state.paths)
    return app


def document() -> dict[str, Any]:
    """Return the OpenAPI document, which no setting changes."""
    return _api().openapi()


def _api() -> FastAPI:
    app = FastAPI(
        title="imagejob-gateway",
        version=VERSION,
        description="Uploads of images, as ImageJobs of one namespace.",
        redirect_slashes=False,  # problems.py does, without the Host header
        docs_url=None,
        redoc_url=None,
    )
    for part in (root, health, uploads, slots, images, events):
        app.include_router(part.router)
    problems.install(app)
    document = _whole(app.openapi())
    # FastAPI would make it again once there is a route more, such as the next one.
    app.openapi = lambda: document  # type: ignore[method-assign]
    _add_docs(app, docs.page(document))
    return app


def _whole(document: dict[str, Any]) -> dict[str, Any]:
    """Add the schemas of what no route returns as its own answer, or reads by its parameters."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in (ProblemModel, ReservationModel):
        schema = model.model_json_schema(ref_template=REFERENCE)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    return document


def _add_docs(app: FastAPI, text: str) -> None:
    @app.get("/docs", include_in_schema=False)
    async def get_docs() -> HTMLResponse:
        return HTMLResponse(text, headers={"Content-Security-Policy": docs.CONTENT_SECURITY_POLICY})
