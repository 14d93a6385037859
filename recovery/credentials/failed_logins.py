"""Logins that fail: few in a row, then none for a while, also with the right password."""

import hashlib
import hmac
import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from recovery.derived_keys import derive
from recovery.models import FailedLogins

logger = logging.getLogger(__package__)

MOST = 10
WITHIN = timedelta(minutes=15)


class TooManyFailedLoginsError(Exception):
    """No login for an address before `ends_at`."""

    def __init__(self, ends_at: datetime) -> None:
        super().__init__(f"Too many logins failed; the next may be at {ends_at.isoformat()}.")
        self.ends_at = ends_at


def address_digest(email: str) -> str:
    """Tells addresses apart, and can't be guessed back without our secret."""
    key = derive(settings.SECRET_KEY, purpose="recover failed logins")
    return hmac.new(key, email.strip().lower().encode(), hashlib.sha256).hexdigest()


def tell(email: str, *, where: str = "") -> None:
    """In the log, of whom nobody can read there."""
    logger.warning("A login%s failed, for address %.8s….", where, address_digest(email))


def claim(email: str, *, now: datetime) -> None:
    """Take one of the tries that an address has left, before the password is looked at: so a
    hundred at once are no more than ten in a row. Raises TooManyFailedLoginsError."""
    row, _is_new = FailedLogins.objects.get_or_create(
        address_digest=address_digest(email), defaults={"began_at": now}
    )
    ours = FailedLogins.objects.filter(pk=row.pk)
    ours.filter(began_at__lte=now - WITHIN).update(began_at=now, tries=0)
    if not ours.filter(tries__lt=MOST).update(tries=F("tries") + 1):
        row.refresh_from_db()
        raise TooManyFailedLoginsError(row.began_at + WITHIN)


def succeeded(email: str) -> None:
    FailedLogins.objects.filter(address_digest=address_digest(email)).update(tries=0)
