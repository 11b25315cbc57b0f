"""`python -m imagejob_dev.processnode --kubeconfig FILE --folder DIR`: a node, until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import signal
from pathlib import Path

from imagejob_dev.guard import Guard
from imagejob_dev.processnode import NODE_NAME, registration
from imagejob_dev.processnode.agent import Agent
from imagejob_dev.processnode.api import connect


async def serve(kubeconfig: bytes, folder: Path, name: str) -> None:
    guard = Guard()
    try:
        async with connect(kubeconfig) as api:
            await registration.register(api, name)
            agent = Agent(api, folder, guard, name)
            async with asyncio.TaskGroup() as group:
                group.create_task(registration.keep_alive(api, name))
                group.create_task(agent.follow())
    finally:
        guard.close()  # and with it every process that still runs


async def until_terminated(kubeconfig: bytes, folder: Path, name: str) -> None:
    serving = asyncio.create_task(serve(kubeconfig, folder, name))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        logging.getLogger(__name__).info("stopping: SIGTERM")


def main() -> None:
    parser = argparse.ArgumentParser(prog="imagejob_dev.processnode", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--name", default=NODE_NAME)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # What an earlier node program left here belongs to pods that are lost by now.
    shutil.rmtree(options.folder / "work", ignore_errors=True)
    kubeconfig = options.kubeconfig.read_bytes()
    asyncio.run(until_terminated(kubeconfig, options.folder, options.name))


if __name__ == "__main__":
    main()
