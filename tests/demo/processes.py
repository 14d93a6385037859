"""Children in process groups of their own, so that none outlives the demo."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

from tests.stopping import Stopping

PATIENCE = 15  # seconds between the request to stop and the end of it
TICK = 0.1


class Stopped(Exception):  # noqa: N818 - no error: someone asked for the end
    """SIGINT, SIGTERM or SIGHUP arrived."""


class Failed(Exception):  # noqa: N818 - its sentence is the demo's last line
    """Something ended that had to go on, or did not begin."""


class Processes:
    def __init__(self, *, folder: str, environment: dict[str, str]) -> None:
        self._folder = folder
        self.environment = environment
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._stopping = Stopping(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def start(self, name: str, *command: str) -> None:
        """Leave a program running; `watch` and `wait_until` notice its end."""
        self._running[name] = self._open(*command)

    def output_of(self, *command: str) -> str:
        """Run a program to its end. Raises Failed with what it said if that is not 0."""
        process = self._open(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._running["a set-up command"] = process
        while True:
            try:
                output, complaint = process.communicate(timeout=TICK)
            except subprocess.TimeoutExpired:
                self._raise_if_stopped()
            else:
                del self._running["a set-up command"]
                self._raise_if_stopped()
                break
        if process.returncode:
            raise Failed(complaint.strip() or f"{command[2]} ended with {process.returncode}.")
        return output

    def wait_until(self, ready: Callable[[], bool], *, name: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            self._raise_if_over()
            if time.monotonic() > deadline:
                raise Failed(f"{name} did not answer within {seconds:.0f} seconds.")
            time.sleep(TICK)

    def watch(self) -> None:
        """Return never: raise Stopped or Failed, whichever happens."""
        while True:
            self._raise_if_over()
            time.sleep(TICK)

    def stop(self) -> None:
        """One SIGTERM for each program, SIGKILL for what is left of its group 15 seconds later.

        A program stops its own children in its own order: Celery waits in vain for a pool that
        someone else has ended. Orphans are asked themselves.
        """
        groups = {name: process.pid for name, process in self._running.items()}
        orphans = {name: group for name, group in groups.items() if self._has_ended(name)}
        for name in groups.keys() - orphans.keys():
            self._running[name].terminate()
        self._signal(orphans, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while groups and time.monotonic() < deadline:
            time.sleep(TICK)
            self._signal(groups, 0)
        self._signal(groups, signal.SIGKILL)
        for process in self._running.values():
            process.wait()

    def _signal(self, groups: dict[str, int], number: int) -> None:
        """Signal each group; forget those in which nobody is left."""
        for name, group in list(groups.items()):
            self._has_ended(name)  # asked, or a leader that has ended stays in its group
            try:
                os.killpg(group, number)
            except ProcessLookupError:
                del groups[name]

    def _open(self, *command: str, **streams: int) -> subprocess.Popen[str]:
        self._raise_if_stopped()
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
            stdout=streams.get("stdout"),
            stderr=streams.get("stderr"),
        )

    def _raise_if_over(self) -> None:
        self._raise_if_stopped()
        for name, process in self._running.items():
            if self._has_ended(name):
                raise Failed(f"{name} ended by itself (exit code {process.returncode}).")

    def _has_ended(self, name: str) -> bool:
        return self._running[name].poll() is not None

    def _raise_if_stopped(self) -> None:
        if self._stopping.is_asked:
            raise Stopped
