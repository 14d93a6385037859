"""A single message is sent as several are."""

from datetime import datetime

from dunning.mail import delivery


def deliver_one(message_id: int, *, now: datetime) -> None:
    delivery.deliver_all([message_id], now=lambda: now)
