"""The shapes of answers, as the OpenAPI document shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from imagejob_gateway.config import LONGEST_SLOT

REFERENCE = "#/components/schemas/{model}"
"""Where the OpenAPI document has the schema of a model."""


class Model(BaseModel):
    """Base of all: camelCase on the wire, as in the Kubernetes API."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class ProblemModel(Model):
    """What is wrong with a request (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    reason: str = Field(description="One word that programs may rely on.")
    request_id: str
    field: str | None = Field(None, description="The parameter or form field that is wrong.")
    header: str | None = Field(None, description="The header that is wrong.")


class RootModel(Model):
    """What this is."""

    name: str
    version: str
    links: dict[str, str]


class DependencyModel(Model):
    """One thing that the gateway depends on."""

    name: str
    ready: bool
    message: str | None = None


class HealthModel(Model):
    """Whether uploads can be taken now."""

    live: bool
    ready: bool
    dependencies: list[DependencyModel]


class QuotaUseModel(Model):
    """One rate of the namespace's ImageQuota."""

    jobs: int
    per: str
    used: int
    remaining: int
    next_available: datetime | None = None


class ThroughputModel(Model):
    """Images that finished. Deleted ones aren't counted."""

    last_minute: int
    last_hour: int


class WaitsModel(Model):
    """Seconds from an upload to its first worker, of those that began in the last hour."""

    images: int = Field(description="How many began in the last hour.")
    median: float | None = None
    p95: float | None = None
    most: float | None = None
    longest_now: float | None = Field(
        None, description="Seconds that the oldest image without a worker has waited so far."
    )


class FailureModel(Model):
    """An image that failed."""

    name: str
    reason: str
    message: str
    time: datetime | None
    link: str


class StatsModel(Model):
    """The images that the caller may see in figures, and what the namespace's quota leaves."""

    images: int
    by_phase: dict[str, int]
    by_reason: dict[str, int]
    throughput: ThroughputModel
    queue_wait: WaitsModel
    recent_failures: list[FailureModel] = Field(description="The newest first, ten at most.")
    quota: list[QuotaUseModel] | None = Field(
        None, description="The rates of the namespace's ImageQuota, if it has one."
    )


class OutputModel(Model):
    """One stored output, and where to get it."""

    name: str
    format: str
    width: int
    height: int
    bytes: int
    sha256: str
    link: str


class SourceModel(Model):
    """The original."""

    sha256: str | None = None
    bytes: int | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None


class AuditModel(Model):
    """One transition."""

    seq: int
    time: datetime
    actor: str
    event: str
    reason: str
    message: str
    on_behalf_of: str | None = Field(None, description="Of the first: `<issuer>#<subject>`.")


class ImageSummaryModel(Model):
    """One image, as a list shows it."""

    name: str
    phase: str
    reason: str | None = None
    profile: str | None = None
    created: datetime | None = None
    links: dict[str, str]


class ImageModel(ImageSummaryModel):
    """One image."""

    message: str | None = None
    source: SourceModel
    outputs: list[OutputModel]
    removed_metadata: list[str]
    audit: list[AuditModel]


class RequestModel(Model):
    """Base of what clients send: nothing unknown, and nothing of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class AnnouncedModel(RequestModel):
    """One file that a client is going to put into the store."""

    content_type: str = Field(max_length=100, description="Such as `image/jpeg`.")
    length: int = Field(ge=0, le=1 << 40, description="Its bytes.")
    sha256: str = Field(
        "",
        pattern="^([0-9a-f]{64})?$",
        description="In hex. The store refuses other bytes, and the gateway need not read them.",
    )
    md5: str = Field("", pattern="^([0-9a-f]{32})?$", description="In hex, as above.")
    profile: str = Field(
        "", max_length=253, description="An ImageProfile that the gateway offers; else the first."
    )


class ReservationModel(RequestModel):
    """Files to reserve slots for."""

    uploads: list[AnnouncedModel] = Field(min_length=1, max_length=100)
    seconds: int = Field(
        0,
        ge=0,
        le=LONGEST_SLOT,
        description="How long the slots are open; 0 for the chart's value.",
    )


class SlotRequestModel(Model):
    """The request that puts the file into the store.

    A PUT has the headers, and the file as its body. A POST is a form of the fields, and then a
    field `file`.
    """

    method: Literal["PUT", "POST"]
    url: str
    headers: dict[str, str]
    fields: dict[str, str]


class ReservedModel(Model):
    """A slot, once it is reserved. Its token isn't shown again."""

    id: str
    expires: datetime
    request: SlotRequestModel
    token: str = Field(description="A bearer token that completes this upload, and nothing else.")
    links: dict[str, str]


class ReservedListModel(Model):
    """Slots, in the order of the files."""

    uploads: list[ReservedModel]


class SlotModel(Model):
    """What became of a slot."""

    id: str
    phase: Literal["Open", "Expired", "GivenBack", "Completed"]
    expires: datetime
    image: str | None = Field(None, description="The image's name, once the upload is complete.")
    links: dict[str, str]


class EventModel(Model):
    """The data of an event: the state of an image."""

    name: str
    phase: str
    reason: str | None = None
    message: str | None = None
    links: dict[str, str]


class TicketModel(Model):
    """What opens an image's events once."""

    ticket: str
    seconds: int = Field(description="How long it may be used.")
    link: str = Field(description="The path that opens them, with the ticket.")


class ImageListModel(Model):
    """A page of images, the newest first."""

    images: list[ImageSummaryModel]
    next: str | None = Field(None, description="The cursor of the next page, if there is one.")
