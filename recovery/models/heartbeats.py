from django.db import models

from recovery.models.base import Mutable


class Heartbeat(Mutable):
    """When a worker last did what the timetable gave it: broker, beat and worker are alive, or
    there would be none. Written by recovery/heartbeats.py alone."""

    name = models.CharField(max_length=40, unique=True)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.beat_at}"
