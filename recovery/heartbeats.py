"""A sign of life of whoever does the work: kept in the database, which all processes see."""

from datetime import datetime

from recovery.models import Heartbeat

WORKER = "worker"


def beat(*, now: datetime) -> None:
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"beat_at": now})


def last_beat() -> datetime | None:
    """None for a worker that never was."""
    return Heartbeat.objects.filter(name=WORKER).values_list("beat_at", flat=True).first()
