"""When a key was last used: known to the minute, and never at a request's expense."""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction

from recovery.models import ApiKey, InternalKey

logger = logging.getLogger(__name__)

TO_THE = timedelta(minutes=1)


def note_use(key: ApiKey | InternalKey, *, now: datetime) -> None:
    """Whoever comes while another request writes it down goes on; so does one that can't."""
    if key.last_used_at is not None and now - key.last_used_at < TO_THE:
        return
    try:
        _write(key, now=now)
    except DatabaseError:
        logger.warning("The use of %s %s was not noted.", type(key).__name__, key.pk)


@transaction.atomic
def _write(key: ApiKey | InternalKey, *, now: datetime) -> None:
    rows = type(key).objects.select_for_update(skip_locked=True, no_key=True)
    found = rows.filter(pk=key.pk, last_used_at=key.last_used_at).first()
    if found is not None:
        key.last_used_at = now
        key.save(update_fields=["last_used_at"])
