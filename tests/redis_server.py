"""A real Redis that keeps nothing, for a test to use, stop and start."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from tests.suite import is_ci

STARTS_WITHIN = 10  # seconds


class RedisServer:
    """Running inside its `with`, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = _program()
        self._port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        settings = {
            "bind": "127.0.0.1", "port": str(self._port), "dir": str(self._folder),
            "save": "", "appendonly": "no", "logfile": str(self._folder / "log"),
        }  # fmt: skip
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self.process = process = subprocess.Popen([self._program, *options])
        deadline = time.monotonic() + STARTS_WITHIN
        while not _answers(self._port):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                said = (self._folder / "log").read_text()[-500:]
                pytest.fail(f"redis-server did not start: {said}")
            time.sleep(0.05)

    def kill(self) -> None:
        """As when its machine ends: it keeps nothing."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


def _program() -> str:
    program = shutil.which("redis-server")
    if program is None:
        reason = "redis-server is not installed (Debian: apt-get install redis-server)."
        if is_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    return program


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
