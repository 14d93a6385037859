"""The embedded broker: messages are files in a folder, and a reader never sees half of one."""

import fcntl
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.transport.filesystem import exchange_queue_t as Binding  # noqa: N812 - a class
from kombu.utils.json import dumps, loads
from kombu.utils.scheduling import FairCycle

logger = logging.getLogger(__name__)


class InOrder(FairCycle):
    """From the first queue that has something in the folder, as Redis does by the strategy
    "sorted"."""

    folder = ""

    def get(self, callback: Callable[..., Any] | None, **kwargs: Any) -> Any:
        waiting = {name.partition(".")[2].removesuffix(".msg") for name in _names(self.folder)}
        for queue in sorted(waiting.intersection(self.resources)):
            with suppress(Empty):
                return self.fun(queue, callback, **kwargs)
        raise Empty


class Channel(filesystem.Channel):
    """Kombu's own makes a file and then writes it, so a reader that comes between the two finds
    it empty and dies. Here a file appears whole or not at all, and what can't be read is
    dropped: the rows are the truth (docs/adr/0003-rows-are-the-truth.md)."""

    def _reset_cycle(self) -> None:
        self._cycle = InOrder(self._get_and_deliver, self._active_queues, Empty)
        self._cycle.folder = self.data_folder_in

    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:  # type: ignore[override]
        name = f"{time.time_ns():020}_{uuid.uuid4()}.{queue}.msg"  # sorted, they are in order
        _replace(Path(self.data_folder_out) / name, dumps(payload))

    def _get(self, queue: str) -> dict[str, Any]:  # type: ignore[override]
        for name in sorted(_names(self.data_folder_in)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            path = Path(self.data_folder_in) / name
            try:
                content = path.read_bytes()
                path.unlink()  # whoever removes it has it
            except FileNotFoundError:
                continue  # another worker was quicker
            message = _read(content)
            if isinstance(message, dict) and isinstance(message.get("properties"), dict):
                return message
            logger.warning("A message that can't be read was dropped; the sweep does its work.")
        raise Empty

    def get_table(self, exchange: str) -> list[Binding]:  # type: ignore[override]
        """Which queues an exchange leads to; a table that can't be read is made anew by the next
        program that declares its queues, as each does before it sends or listens."""
        try:
            table = _read(self._table(exchange).read_bytes())
        except FileNotFoundError:
            return []
        return [Binding(*row) for row in table] if isinstance(table, list) else []

    def _queue_bind(
        self, exchange: str, routing_key: str, pattern: str | None, queue: str
    ) -> None:
        bound = Binding(routing_key or "", pattern or "", queue or "")
        self._change_table(exchange, lambda table: table if bound in table else [bound, *table])

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *_: Any, **__: Any
    ) -> None:
        self._purge(queue)
        gone = Binding(routing_key or "", pattern or "", queue or "")
        self._change_table(exchange, lambda table: [row for row in table if row != gone])

    def _table(self, exchange: str) -> Path:
        file: Path = self._exchange_file(exchange)  # type: ignore[attr-defined]
        return file

    def _change_table(
        self, exchange: str, change: Callable[[list[Binding]], list[Binding]]
    ) -> None:
        file = self._table(exchange)
        with _alone(file.with_suffix(".lock")):
            before = self.get_table(exchange)
            after = change(before)
            if after != before:
                _replace(file, dumps(after))


class Transport(filesystem.Transport):
    Channel = Channel


def _names(folder: str) -> list[str]:
    return os.listdir(folder)  # noqa: PTH208 - ten thousand paths take ten times as long


def _read(content: bytes) -> Any:
    try:
        return loads(content.decode())
    except ValueError:
        return None


def _replace(path: Path, content: str) -> None:
    """A whole file at `path`, in one step. Raises OSError, which whoever pokes expects."""
    unfinished = path.with_name(f"{uuid.uuid4()}.unfinished")
    try:
        unfinished.write_text(content)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Held by one process at a time; the system lets go when that dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
