"""The way out that every mail carries: a token for the message, good for stopping the mail to its
address and for nothing else."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings

from billing_portal import tokens
from billing_portal.tokens import ExpiredTokenError, ForgedTokenError, Purpose
from dunning.models import DunningMessage

LIFETIME = timedelta(days=365)
PATH = "/fourthngoal/recover/unsubscribe"


def url(message: DunningMessage, *, now: datetime) -> str:
    token = tokens.issue(
        link_id=message.public_id, purpose=Purpose.UNSUBSCRIBE, secret=settings.SECRET_KEY,
        now=now, lifetime=LIFETIME,
    )  # fmt: skip
    return f"{settings.PUBLIC_URL}{PATH}?{urlencode({'token': token})}"


def message_id(token: str, *, now: datetime) -> str:
    """Of the message that a token is for, "" if it isn't ours. An old one still counts: to refuse
    a wish to be left alone helps nobody."""
    try:
        return tokens.read(token, purpose=Purpose.UNSUBSCRIBE, secret=settings.SECRET_KEY, now=now)
    except ForgedTokenError:
        return ""
    except ExpiredTokenError as error:
        return error.link_id


def find(token: str, *, now: datetime) -> DunningMessage | None:
    """The message that a token is for, if there is one that may have been sent."""
    public_id = message_id(token, now=now)
    if not public_id:
        return None
    found = DunningMessage.objects.select_related("case__merchant", "case__customer")
    return found.filter(public_id=public_id, claimed_at__isnull=False).first()
