"""Billing periods: the same day of a later month, or the last one there is."""

import calendar
from datetime import UTC, datetime, timedelta


def after(moment: int, interval: str, count: int) -> int:
    """The moment `count` intervals (day, week, month, year) later; a negative count goes back."""
    at = datetime.fromtimestamp(moment, UTC)
    if interval in ("day", "week"):
        return int((at + timedelta(days=count * (7 if interval == "week" else 1))).timestamp())
    months = at.year * 12 + at.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return int(at.replace(year=year, month=month + 1, day=min(at.day, last_day)).timestamp())
