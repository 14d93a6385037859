"""Workers are told that there is something to do: at once, at most so often, and nobody waits."""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Poke:
    """Sends from a thread of its own, which begins with the first call: whoever acknowledges an
    event waits for no broker. What is asked for while one is sent is sent after `pause` seconds.

    A process that ends first has sent nothing; so a poke only hurries what a sweep would find.
    """

    def __init__(self, send: Callable[[], None], *, pause: float) -> None:
        self._send, self._pause = send, pause
        self._is_wanted = threading.Event()
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None

    def soon(self) -> None:
        self._is_wanted.set()
        if self._thread is None or not self._thread.is_alive():  # of a forked process it is not
            self._begin()

    def _begin(self) -> None:
        with self._beginning:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="pokes", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        resting = threading.Event()
        while self._is_wanted.wait():
            self._is_wanted.clear()
            try:
                self._send()
            except Exception:
                logger.exception("A poke could not be sent; the sweep will look.")
            resting.wait(self._pause)
