"""The gateway's process: composes settings, clients, reflectors and the HTTP server.

Run `python -m imagejob_gateway` with IMAGEJOB_GATEWAY_CONFIG, the file of its settings (see
config.py), in a pod or with the usual KUBECONFIG. Logs go to standard error.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from imagejob_operator.api.version import VERSION
from imagejob_operator.kube import transport
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.clock import utc_now
from imagejob_operator.kube.connection import ConnectionConfigError
from imagejob_operator.kube.reflector import Reflectors
from imagejob_operator.observability import http as exposition
from imagejob_operator.observability import logging as logs
from imagejob_operator.observability.logging import fields
from imagejob_operator.observability.trouble import Trouble
from imagejob_operator.quota.rates import Rate

from .auth.seals import Seals
from .auth.tokens import Tokens, open_issuers
from .config import CONFIG, Settings, SettingsError, load
from .http import health
from .http.app import application
from .http.cached import Cached
from .http.event_stream import Streams
from .http.figures import STATS_SECONDS, figures
from .http.measuring import Measuring
from .http.recent import Recent
from .http.server import server
from .http.services import Services
from .images import missing, quota
from .images.api import ImagesApi
from .images.cache import NamespaceCache
from .images.kinds import WATCHED
from .metrics import GatewayMetrics
from .slots.completions import Completions
from .slots.reservations import LeftSlots, Reservations
from .state.shards import Shards
from .state.shared_key import SharedKey
from .state.state import State
from .state.sweep import Sweeper
from .state.uploads import Lease
from .storage import observed
from .storage.buckets import Buckets
from .uploads import names
from .uploads.attempts import Attempts, LeftUploads
from .uploads.receiver import Receiver
from .uploads.tally import Tally

if TYPE_CHECKING:
    import aiohttp
    from imagejob_operator.kube.transport import Transport

log = logging.getLogger("imagejob_gateway")

STOPPED, UNCONFIGURED = 0, 2

SLOT_FAILURES, SLOT_REQUESTS = Rate(20, "1h"), Rate(60, "1m")
"""Of each slot, and of who has its token."""


async def serve(settings: Settings, tokens: Tokens) -> None:
    """Serve until told to stop. Raises ConnectionConfigError."""
    metrics = GatewayMetrics()
    trouble = Trouble(log, "the API server fails, will retry", "the API server responds again")
    async with (
        transport.connect(metrics=metrics.client, trouble=trouble) as connection,
        observed.session(metrics.stored, settings.dial) as session,
        exposition.serving(settings.metrics_listen, None, metrics.registry),
        asyncio.TaskGroup() as tasks,
    ):
        cluster = Cluster(connection)
        cache = NamespaceCache(cluster)
        reflectors = Reflectors(WATCHED, cluster, cache, lambda: None, settings.namespace)
        metrics.watch(lambda: reflectors.unwatched)
        services = compose(settings, tokens, connection, cluster, cache, reflectors, session)
        background = [
            tasks.create_task(_watch(reflectors)),
            tasks.create_task(_sweeper(services).run(settings.lease_seconds)),
        ]
        # Before, no profile and no store is known, and requests would be refused for it.
        await reflectors.current()
        missing.watch(settings, cache, metrics)
        log.info("serving", extra=fields(listen=settings.listen))
        app = Measuring(application(services), metrics)
        await server(settings, app, services.streams.stop).serve()
        for task in background:
            task.cancel()


def compose(
    settings: Settings,
    tokens: Tokens,
    connection: Transport,
    cluster: Cluster,
    cache: NamespaceCache,
    reflectors: Reflectors,
    session: aiohttp.ClientSession,
) -> Services:
    """Put together what routes use."""
    images = ImagesApi(connection, cluster, cache, settings.namespace)
    buckets = Buckets(settings.stores, cache.store, session, settings.is_own)
    state = State(Shards(connection, cluster, settings.namespace), settings.rate, _now)
    attempts = Attempts(
        state,
        settings.rate,
        Lease(settings.lease_seconds),
        lambda: names.new_id(secrets.token_bytes),
        time.monotonic,
    )

    key = SharedKey(state, secrets.token_bytes, time.monotonic)
    seals = Seals(key.current, secrets.token_bytes, _now)
    failures = Tally("failures to complete an upload", SLOT_FAILURES, _milliseconds)

    def check_quota() -> None:
        quota.check(cache.quota(), utc_now())

    receiver = Receiver(
        settings,
        images,
        buckets,
        attempts,
        Tally("uploads that fail or are sent again", settings.retry_rate, _milliseconds),
        lambda name: cache.profile(name) is not None,
        check_quota,
    )
    return Services(
        settings,
        tokens,
        images,
        cache,
        buckets,
        state,
        receiver,
        Reservations(
            settings,
            state,
            buckets,
            receiver.profile,
            check_quota,
            secrets.token_bytes,
            seals,
            utc_now,
        ),
        Completions(settings, state, images, buckets, attempts, failures),
        lambda: reflectors.unwatched,
        Cached(
            lambda: health.health(reflectors.unwatched, buckets, settings.offered, cache),
            health.SECONDS,
        ),
        Recent(partial(figures, cache), STATS_SECONDS),
        Streams(),
        seals,
        Tally("requests with a slot's token", SLOT_REQUESTS, _milliseconds),
    )


def _milliseconds() -> int:
    return time.monotonic_ns() // 1_000_000


def _now() -> int:
    return time.time_ns() // 1_000_000


def _sweeper(services: Services) -> Sweeper:
    settings, state, buckets = services.settings, services.state, services.buckets
    lease = Lease(settings.lease_seconds)
    uploads = LeftUploads(state, services.images, buckets, lease)
    return Sweeper(state, [uploads, LeftSlots(settings, state, buckets)])


async def _watch(reflectors: Reflectors) -> None:
    async with asyncio.TaskGroup() as tasks:
        reflectors.start(tasks)


def main() -> int:
    """Return 0 after a signal to stop; 2 for invalid settings, or without an API server."""
    try:
        settings = load(os.environ.get(CONFIG, ""))
        tokens = Tokens(open_issuers(settings.issuers, settings.dial))
    except SettingsError as error:
        print(f"imagejob-gateway: {error}", file=sys.stderr)  # noqa: T201 (there is no log yet)
        return UNCONFIGURED
    logs.set_up(settings.log_level, settings.log_format)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    log.info("starting", extra=fields(version=VERSION, namespace=settings.namespace))
    try:
        asyncio.run(serve(settings, tokens))
    except ConnectionConfigError as error:
        log.critical("cannot connect to an API server: %s", error)
        return UNCONFIGURED
    return STOPPED


if __name__ == "__main__":
    sys.exit(main())
