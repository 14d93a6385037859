"""Logging in by the API: an address and a password for a pair of tokens of one merchant."""

from datetime import datetime

from django.contrib.auth import authenticate
from django.db import transaction

from recovery.credentials import failed_logins, token_pairs
from recovery.credentials.token_pairs import TokenPair
from recovery.models import Membership, User


class LoginRefusedError(Exception):
    """No such address, another password, no longer active, or of no merchant: the same to all."""


class MerchantNotNamedError(Exception):
    """The user works for several merchants and named none of them; `own` are their public ids."""

    def __init__(self, own: list[str]) -> None:
        super().__init__(f"Name one of {', '.join(own)}.")
        self.own = own


def log_in(*, email: str, password: str, merchant_id: str, now: datetime) -> TokenPair:
    """A pair for the user's one merchant, or for the one that `merchant_id` (mer_…) names.

    Raises TooManyFailedLoginsError, LoginRefusedError, MerchantNotNamedError.
    """
    failed_logins.claim(email, now=now)
    # Takes as long for an address that nobody has: Django hashes the password all the same.
    user = authenticate(username=email.strip(), password=password)
    if not isinstance(user, User) or not user.memberships.exists():
        failed_logins.tell(email)
        raise LoginRefusedError
    failed_logins.succeeded(email)
    return _begin(user, merchant_id, now=now)


@transaction.atomic
def _begin(user: User, merchant_id: str, *, now: datetime) -> TokenPair:
    # Locked: who is dismissed at this moment is so before or after, and not in between.
    rows = Membership.objects.select_for_update(of=("self",), no_key=True).filter(user=user)
    own = {row.merchant.public_id: row for row in rows.select_related("merchant").order_by("id")}
    if not own:
        raise LoginRefusedError
    chosen = own.get(merchant_id)
    if chosen is None and (merchant_id or len(own) > 1):
        raise MerchantNotNamedError(sorted(own))
    membership = chosen or next(iter(own.values()))
    membership.user = user
    return token_pairs.begin(membership, now=now)
