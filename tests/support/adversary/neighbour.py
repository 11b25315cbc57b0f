"""An ordinary tenant beside it: one upload after the other, and nothing else."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from imagejob_dev.errors import DevError
from imagejob_dev.rest import ApiError

from support.tenant import Tenant, image_job, is_finished

if TYPE_CHECKING:
    from imagejob_dev.client import Client

    from support.adversary.front import Front

END_SECONDS = 30.0
POLL_SECONDS = 0.1
LOST = (OSError, ApiError, DevError)
OUTPUTS = [{"name": "thumb", "format": "png"}]


class Neighbour:
    """Its quota is large; its store behaves."""

    def __init__(self, cluster: Client, namespace: str, front: Front) -> None:
        self.namespace = namespace
        self._front = front
        self._team = Tenant(cluster, namespace)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._trickle, name="neighbour", daemon=True)

    @property
    def bucket(self) -> str:
        return self._team.bucket

    def start(self) -> None:
        self._team.quota("1000/1h")
        self._team.apply(self._team.secret(), self._team.store(endpoint=self._front.endpoint))
        self._thread.start()

    def stop(self) -> None:
        """Start no more; the ImageJobs that exist run to their end."""
        self._over.set()
        self._thread.join(END_SECONDS)

    def _trickle(self) -> None:
        for number in itertools.count():
            if self._over.is_set():
                return
            name, key = f"next-{number}", f"incoming/next-{number}.png"
            self._team.put(key, self._front.new_picture())
            with suppress(*LOST):
                self._team.create([image_job(name, key, outputs=OUTPUTS)])
            while not self._over.wait(POLL_SECONDS) and not self._has_ended(name):
                pass

    def _has_ended(self, name: str) -> bool:
        try:
            return is_finished(self._team.status(name))
        except LOST as error:
            return isinstance(error, ApiError)  # it was never created
