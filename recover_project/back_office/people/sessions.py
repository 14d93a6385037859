"""Logins that are over are forgotten, and with them the addresses and browsers they came from."""

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session


def forget_ended(*, now: datetime) -> None:
    """Those that ended by themselves, by logging out, or from the list of sessions."""
    Session.objects.filter(expire_date__lte=now).delete()
    # One that has just begun may be noted before its row is there.
    noted = UserSession.objects.filter(
        created_at__lte=now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    )
    noted.exclude(session_key__in=Session.objects.values("session_key")).delete()
