"""What each route answers while there is no API server."""

from __future__ import annotations

import json

from support.gateway_scenarios import JPEG, MAX_BYTES, UPLOAD, Case

SLOT = f"/api/v1/uploads/{'0' * 24}"
IMAGE = "/api/v1/images/NAME"
ANNOUNCED = {"contentType": "image/jpeg", "length": len(JPEG)}
DOWN = "ApiServerUnavailable"

# What is in memory is answered. What has to be sure of the cluster, or of the state in it, isn't.
WITHOUT_API_SERVER = {
    "the root": Case(200, scope=None),
    "the documentation": Case(200, path="/docs", scope=None),
    "liveness": Case(200, path="/api/v1/health/live", scope=None),
    "statistics": Case(200, path="/api/v1/health/stats"),
    "a list": Case(200, path="/api/v1/images"),
    "a list without a token": Case(401, "Unauthenticated", path="/api/v1/images", scope=None),
    "a list without the scope": Case(403, "MissingScope", path="/api/v1/images", scope="upload"),
    "no such path": Case(404, "NotFound", path="/nowhere"),
    "what is too large": Case(
        *(413, "TooLarge", "Content-Length", "POST", UPLOAD),
        body=JPEG + bytes(MAX_BYTES),
        headers={"Content-Type": "image/jpeg"},
    ),
    "an upload": Case(
        *(503, DOWN, "", "POST", UPLOAD), body=JPEG, headers={"Content-Type": "image/jpeg"}
    ),
    "an image": Case(503, DOWN, path=IMAGE),
    "an output": Case(503, DOWN, path=f"{IMAGE}/outputs/thumb"),
    "events": Case(503, DOWN, path=f"{IMAGE}/events"),
    "a ticket": Case(503, DOWN, method="POST", path=f"{IMAGE}/events/tickets"),
    "a deletion": Case(503, DOWN, method="DELETE", path=IMAGE),
    "slots": Case(
        *(503, DOWN, "", "POST", "/api/v1/uploads"),
        body=json.dumps({"uploads": [ANNOUNCED]}).encode(),
        headers={"Content-Type": "application/json"},
    ),
    "a slot": Case(503, DOWN, path=SLOT),
    "a slot's completion": Case(503, DOWN, method="POST", path=f"{SLOT}/complete"),
    "a slot that is given back": Case(503, DOWN, method="DELETE", path=SLOT),
}
