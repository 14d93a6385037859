"""What is wrong with a process, as its environment says: CHAOS_DIE_AT is the number of the
boundary at which it dies, CHAOS_CLOCK_AHEAD by how many seconds its clock is ahead."""

import os

from django.apps import AppConfig


class Chaos(AppConfig):
    name = "tests.chaos"

    def ready(self) -> None:
        from tests.chaos import boundaries, clocks

        if die_at := os.environ.get("CHAOS_DIE_AT"):
            boundaries.die_at(int(die_at))
        if ahead := os.environ.get("CHAOS_CLOCK_AHEAD"):
            clocks.turn(float(ahead))
