"""The gateway's process: composes settings, clients, reflectors and the HTTP server.

Run `python -m imagejob_gateway` with IMAGEJOB_GATEWAY_CONFIG, the file of its settings (see
config.py), in a pod or with the usual KUBECONFIG. Logs go to standard error.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import uvicorn
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

from .auth.tokens import Tokens, open_issuers
from .config import CONFIG, Settings, SettingsError, load
from .http import health
from .http.app import application
from .http.cached import Cached
from .http.event_stream import Streams
from .http.figures import STATS_SECONDS, figures
from .http.measuring import Measuring
from .http.protocol import Protocol
from .http.recent import Recent
from .http.services import Services
from .images import quota
from .images.api import ImagesApi
from .images.cache import NamespaceCache
from .images.kinds import WATCHED
from .metrics import GatewayMetrics
from .slots.completions import Completions
from .slots.reservations import LeftSlots, Reservations
from .state.shards import Shards
from .state.state import State
from .state.sweep import Sweeper
from .state.uploads import Lease
from .storage import observed
from .storage.buckets import Buckets
from .uploads import names
from .uploads.attempts import Attempts, LeftUploads
from .uploads.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    import aiohttp
    from imagejob_operator.kube.transport import Transport
    from starlette.types import ASGIApp

log = logging.getLogger("imagejob_gateway")

STOPPED, UNCONFIGURED = 0, 2
DRAIN_SECONDS = 20
"""How long requests in progress may take once we are told to stop."""


class Server(uvicorn.Server):
    """A server that ends on a signal without raising it again.

    `stopping` is called then: requests without an end of their own have to be ended.
    """

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn.Server."""
        self._stopping()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(
                number, partial(self.handle_exit, number, None)
            )
        yield


async def serve(settings: Settings, tokens: Tokens) -> None:
    """Serve until told to stop. Raises ConnectionConfigError."""
    metrics = GatewayMetrics()
    trouble = Trouble(log, "the API server fails, will retry", "the API server responds again")
    async with (
        transport.connect(metrics=metrics.client, trouble=trouble) as connection,
        observed.session(metrics.stored) as session,
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
        log.info("serving", extra=fields(listen=settings.listen))
        app = Measuring(application(services), metrics)
        await _server(settings, app, services.streams.stop).serve()
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
    buckets = Buckets(settings.stores, cache.store, session)
    state = State(Shards(connection, cluster, settings.namespace), settings.rate, _now)
    attempts = Attempts(
        state,
        settings.rate,
        Lease(settings.lease_seconds),
        lambda: names.new_id(secrets.token_bytes),
        time.monotonic,
    )

    def check_quota() -> None:
        quota.check(cache.quota(), utc_now())

    receiver = Receiver(
        settings,
        images,
        buckets,
        attempts,
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
            utc_now,
        ),
        Completions(settings, state, images, buckets, attempts),
        lambda: reflectors.unwatched,
        Cached(lambda: health.health(reflectors.unwatched, buckets), health.SECONDS),
        Recent(partial(figures, cache), STATS_SECONDS),
        Streams(),
        secrets.token_bytes,
    )


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


def _server(settings: Settings, app: ASGIApp, stopping: Callable[[], None]) -> Server:
    host, port = settings.host_and_port
    return Server(
        uvicorn.Config(
            app,
            host=host or None,  # type: ignore[arg-type]  # asyncio: every address
            port=port,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        ),
        stopping,
    )


def main() -> int:
    """Return 0 after a signal to stop; 2 for invalid settings, or without an API server."""
    try:
        settings = load(os.environ.get(CONFIG, ""))
        tokens = Tokens(open_issuers(settings.issuers))
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
