"""Internal keys: random, kept as digests, two of them valid while one is rolled out."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from recovery.credentials.use import note_use
from recovery.models import InternalKey, Merchant

OVERLAP = timedelta(hours=24)


def digest(key: str) -> str:
    """Our keys are random and long, so a plain hash of one can't be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()


@transaction.atomic
def new_internal_key(*, merchant: Merchant, now: datetime, overlap: timedelta = OVERLAP) -> str:
    """A key for X-Internal-Key, which is shown this once; the one before it is valid for
    `overlap` longer. One that was being replaced already ends at once: never are three valid.

    No overlap: a leaked one ends at once.
    """
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)  # two rotate one by one
    valid = InternalKey.objects.of(merchant)
    valid.filter(expires_at__gt=now).update(expires_at=now)
    valid.filter(expires_at=None).update(expires_at=now + overlap)
    made = f"rik_{secrets.token_urlsafe(32)}"
    InternalKey.objects.create(merchant=merchant, digest=digest(made), hint=made[-4:])
    return made


def internal_key(shown: str, *, now: datetime) -> InternalKey | None:
    """The key that was shown, None for one that is unknown or has ended."""
    found = InternalKey.objects.filter(digest=digest(shown)).select_related("merchant__stripe")
    key = found.filter(_is_valid(now)).first()
    if key is not None:
        note_use(key, now=now)
    return key


def of_merchant(merchant: Merchant) -> QuerySet[InternalKey]:
    """All of a merchant's keys, the newest first; those that ended go after a while."""
    return InternalKey.objects.of(merchant).order_by("-id")


@transaction.atomic
def revoke_internal_key(*, key: InternalKey, now: datetime) -> None:
    """From the next request on it opens nothing. One that has ended stays as it was."""
    rows = InternalKey.objects.select_for_update(no_key=True)
    found = rows.filter(_is_valid(now), pk=key.pk).first()
    if found is not None:
        _end(found, at=now)


def _end(key: InternalKey, *, at: datetime) -> None:
    key.expires_at = at
    key.save(update_fields=["expires_at"])


def _is_valid(now: datetime) -> Q:
    return Q(expires_at=None) | Q(expires_at__gt=now)
