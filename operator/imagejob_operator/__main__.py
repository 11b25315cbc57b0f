"""The operator's process: settings, clients, kopf and the engine, put together.

    python -m imagejob_operator

Configured by IMAGEJOB_… variables (see settings.py) and the usual KUBECONFIG. Audit lines go to
standard output, logs to standard error.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys

import kopf

from . import cluster, handlers
from .engine import Engine
from .settings import Settings, SettingsError, from_environment


def tell(line: bytes) -> None:
    """One audit line, out of our hands before the status is written."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


async def operate(settings: Settings) -> None:
    """Until kopf is told to stop. An error that nobody foresaw ends both, and the process."""
    async with cluster.connect() as api, asyncio.TaskGroup() as tasks:
        engine = Engine(
            api,
            settings.platform,
            settings.caps,
            namespace=settings.namespace,
            instance=settings.instance,
            tell=tell,
        )
        running = tasks.create_task(engine.run())

        async def stop(**_: object) -> None:
            # kopf waits for whatever tasks there are at its end: 5 s, if nobody ends ours.
            running.cancel()
            await asyncio.wait([running])

        registry = handlers.registry()
        kopf.on.cleanup(registry=registry)(stop)
        await kopf.operator(
            registry=registry,
            settings=handlers.settings(),
            memo=engine,
            clusterwide=True,
            standalone=True,
        )


def main() -> int:
    """0 when told to stop, 2 for settings that can't be."""
    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        print(f"imagejob-operator: {error}", file=sys.stderr)  # noqa: T201 (for whoever started it)
        return 2
    logging.basicConfig(
        level=settings.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    asyncio.run(operate(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
