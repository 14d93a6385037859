"""Logins that are over are forgotten, and with them the addresses and browsers they came from."""

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session


def forget_ended(*, now: datetime) -> None:
    """Those that ended by themselves, by logging out, or from the list of sessions."""
    SessionStore.clear_expired()
    # One that has just begun may be noted before its row is there.
    a_while_ago = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    there_are = Session.objects.values("session_key")
    UserSession.objects.filter(created_at__lte=a_while_ago).exclude(
        session_key__in=there_are
    ).delete()
