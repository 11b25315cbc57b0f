"""What is started and stopped, and runs within a `with` block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Running(ABC):
    """Started as the block is entered, stopped as it is left, or if it does not start."""

    @abstractmethod
    def start(self) -> None:
        """Return once all is there that this is to start."""

    @abstractmethod
    def stop(self) -> None:
        """End what this has started, however far that came."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
