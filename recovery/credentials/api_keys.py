"""API keys: long-lived JWTs for programs, each with a row that can end it at once."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from recovery import scopes
from recovery.credentials.tokens import ApiToken
from recovery.credentials.use import note_use
from recovery.models import ApiKey, Merchant
from recovery.scopes import EVERYTHING, Scopes

SHORTEST, LONGEST = timedelta(days=1), timedelta(days=5 * 365 + 1)  # five years, a leap day
LONGEST_NAME = 80


class InvalidKeyError(ValueError):
    """A key can't be as it was asked for; `field` is what can't, the text why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def new_api_key(
    *,
    merchant: Merchant,
    name: str,
    now: datetime,
    scopes: Scopes = EVERYTHING,
    lifetime: timedelta = ApiToken.lifetime,
) -> str:
    """The key, which is shown this once. Raises InvalidKeyError."""
    if not SHORTEST <= lifetime <= LONGEST:
        raise InvalidKeyError("lifetime", "A key is valid for a day to five years.")
    row = ApiKey.objects.create(
        merchant=merchant, name=_name(name), scopes=_spell(scopes), expires_at=now + lifetime
    )
    return ApiToken.issue(
        now=now, lifetime=lifetime, kid=row.key_id, merchant=merchant.public_id, scopes=row.scopes
    )


def _spell(granted: Scopes) -> str:
    try:
        return scopes.spell(granted)
    except KeyError:
        raise InvalidKeyError("scopes", "A key may read, or read and write.") from None


def _name(name: str) -> str:
    """Timelines name the key that acted, and no person's address belongs there."""
    text = name.strip()
    if not text or len(text) > LONGEST_NAME or not text.isprintable() or "@" in text:
        raise InvalidKeyError(
            "name",
            f"Say in at most {LONGEST_NAME} characters what the key is for; without an address.",
        )
    return text


def api_key(shown: str, *, now: datetime) -> ApiKey | None:
    """The key that was shown; None for what is none of ours, was revoked or has ended, or says
    other than its row whose it is or what it may do."""
    token = ApiToken.read(shown)
    if token is None:
        return None
    rows = ApiKey.objects.filter(
        key_id=token.get("kid"), merchant__public_id=token.get("merchant"),
        scopes=token.get("scopes"), revoked_at=None, expires_at__gt=now,
    )  # fmt: skip
    key = rows.select_related("merchant__stripe").first()
    if key is not None:
        note_use(key, now=now)
    return key


def of_merchant(merchant: Merchant) -> QuerySet[ApiKey]:
    """All of a merchant's keys, the newest first; those that ended go after a while."""
    return ApiKey.objects.of(merchant).order_by("-id")


@transaction.atomic
def revoke_api_key(*, key: ApiKey, now: datetime) -> None:
    """From the next request on it opens nothing, on every process. Revoked again, it stays as it
    was."""
    rows = ApiKey.objects.select_for_update(no_key=True)
    if current := rows.filter(pk=key.pk, revoked_at=None).first():
        key = current
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
