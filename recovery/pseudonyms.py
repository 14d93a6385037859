"""What an erased person's address or card is known again by, and by nobody read."""

import hashlib
import hmac

from django.conf import settings

from recovery.derived_keys import derive

PREFIX = "erased:"
DIGITS = 40  # of 64: 160 bits


def pseudonym(value: str, *, merchant_id: int) -> str:
    """`erased:` and 40 hexadecimal digits, the same for a value in whatever case; "" stays "", and
    what is a pseudonym already stays as it is.

    It is made with SECRET_KEY and the merchant, so that neither who guesses addresses nor another
    merchant can tell whose it is.
    """
    if not value or value.startswith(PREFIX):
        return value
    key = derive(settings.SECRET_KEY, purpose=f"pseudonyms of merchant {merchant_id}")
    digest = hmac.new(key, value.lower().encode(), hashlib.sha256).hexdigest()
    return f"{PREFIX}{digest[:DIGITS]}"
