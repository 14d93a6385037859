"""The one mail that a new colleague gets: where to choose a password, or to log in with theirs."""

from datetime import timedelta

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from anymail.message import AnymailMessage
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from dunning.mail.handover import Fate, hand_over
from recovery.models import Membership, User

GOOD_FOR = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)


def send(membership: Membership, *, invited_by: User) -> bool:
    """Whether the mail server took it. The link is good until a password is chosen with it, for
    GOOD_FOR at most."""
    user, merchant = membership.user, " ".join(membership.merchant.name.split())
    is_new = not user.has_usable_password()
    told = {
        "invited_by": str(invited_by), "merchant": merchant, "role": membership.role,
        "is_new": is_new, "days": GOOD_FOR.days,
        "address": _way_to_a_password(user) if is_new else _at("admin:index"),
    }  # fmt: skip
    mail = AnymailMessage(
        subject=f"You work for {merchant} on Recover", to=[user.email],
        body=render_to_string("back_office/settings/invitation.txt", told),
    )  # fmt: skip
    return hand_over(mail).fate is Fate.TAKEN


def _way_to_a_password(user: User) -> str:
    key = default_token_generator.make_token(user)
    return _at("account_reset_password_from_key", uidb36=user_pk_to_url_str(user), key=key)


def _at(name: str, **about: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, kwargs=about)}"
