"""What ended long ago and is asked for by nobody."""

from datetime import datetime, timedelta

from django.db.models import Q

from recovery.credentials import failed_logins
from recovery.models import ApiKey, FailedLogins, InternalKey, TokenFamily

KEPT_FOR = timedelta(days=30)  # so that whoever asks why a key stopped working is told


def forget_ended(*, now: datetime) -> None:
    """Keys and families that ended KEPT_FOR ago go, and counts of failed logins that are over."""
    long_ago = now - KEPT_FOR
    ended = Q(expires_at__lte=long_ago)
    InternalKey.objects.filter(ended).delete()
    ApiKey.objects.filter(ended | Q(revoked_at__lte=long_ago)).delete()
    TokenFamily.objects.filter(ended | Q(revoked_at__lte=long_ago)).delete()
    FailedLogins.objects.filter(began_at__lte=now - failed_logins.WITHIN).delete()
