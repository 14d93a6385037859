"""A message as a mail: who it is from, where answers go, how to get no more of it."""

from email.utils import formataddr, parseaddr

from anymail.message import AnymailMessage
from django.conf import settings

from dunning.models import DunningMessage
from dunning.wording.rendering import Rendered, UnrenderableError
from recovery.models import Merchant

# By which a provider's events find the message again.
METADATA = "recover_message"
TAG, TRIAL_TAG = "dunning", "trial"


def write(
    message: DunningMessage, content: Rendered, *, to: str, unsubscribe_url: str
) -> AnymailMessage:
    """The mail that the message is. Raises UnrenderableError."""
    merchant = message.case.merchant
    sender, from_email = _sender(merchant)
    mail = AnymailMessage(
        subject=content.subject,
        body=content.text,
        from_email=from_email,
        to=[to],
        reply_to=[merchant.support_email] if merchant.support_email else None,
        headers={
            # Made from the row, so that a provider that sees it twice can tell.
            "Message-ID": f"<{message.public_id}@{sender.rpartition('@')[2] or 'localhost'}>",
            "Auto-Submitted": "auto-generated",
            **_way_out(unsubscribe_url),
        },
        metadata={METADATA: message.public_id},
        tags=[TAG],
        # The link in it is a secret: no provider leads it through its own servers.
        track_clicks=False,
        track_opens=False,
    )
    mail.attach_alternative(content.html, "text/html")
    return mail


def write_trial(*, merchant: Merchant, content: Rendered, to: str, mark: str) -> AnymailMessage:
    """The mail as a trial for one of the merchant's own people: `mark` goes before its subject.
    No provider tells what becomes of it. Raises UnrenderableError."""
    _address, from_email = _sender(merchant)
    mail = AnymailMessage(
        subject=f"{mark} {content.subject}", body=content.text, from_email=from_email, to=[to],
        headers={"Auto-Submitted": "auto-generated"}, tags=[TRIAL_TAG], track_clicks=False,
        track_opens=False,
    )  # fmt: skip
    mail.attach_alternative(content.html, "text/html")
    return mail


def _sender(merchant: Merchant) -> tuple[str, str]:
    """The address, and the whole that the mail is from. Raises UnrenderableError."""
    sender = merchant.sender_email or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    try:
        return sender, formataddr((" ".join(merchant.product_name.split()), sender))
    except UnicodeError as error:
        raise UnrenderableError(f"{sender} can't be written from.") from error


def _way_out(url: str) -> dict[str, str]:
    """RFC 2369, and RFC 8058 for the one click, which holds for https alone."""
    headers = {"List-Unsubscribe": f"<{url}>"}
    if url.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
