"""A merchant of some age, with what makes pages burst: long names, long words, odd currencies."""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from django.test import Client
from django.utils import timezone

from dunning import campaigns
from dunning.models import DunningCampaign, DunningMessage
from recover_project.back_office.demo import filling
from recovery import credentials, merchants, team, timeline, webhook_registrations
from recovery.declines import DeclineType
from recovery.models import (
    Customer,
    Membership,
    Merchant,
    RecoveryCase,
    Role,
    StripeEvent,
    User,
    WebhookDelivery,
    WebhookRegistration,
)
from recovery.timeline import Kind
from tests.back_office.people import PASSWORD, log_in, make_world
from tests.drawings import file_of, wordmark
from tests.dunning.campaigns_of import publish

LONG_NAME = "Gesellschaft für außergewöhnlich lange Firmennamen und Teehandel mbH & Co. KG"
LONG_EMAIL = "wolfeschlegelsteinhausenbergerdorff.hubert@department.of.long.example.com"
LONG_REASON = "Not charged: the bank says no for now, and a rule says not to ask again. " * 6
FEW = 40  # made-up cases
PAGES = "/admin/account/"


def lived_in() -> Merchant:
    """A row on every page, and several on most."""
    merchant = make_world("fern")
    now = timezone.now()
    filling.fill(merchant, now=now, count=FEW)
    merchants.brand(
        merchant=merchant, logo=file_of(wordmark()),
        given={"color": "#ffe94d", "sender_email": "billing@fern.example"},
    )  # fmt: skip
    merchants.describe(merchant=merchant, given={"name": LONG_NAME})
    merchants.override_decline(
        merchant=merchant, decline_code="do_not_honor", decline_type=DeclineType.HARD
    )
    credentials.new_api_key(merchant=merchant, name="exports to the ledger " * 3, now=now)
    credentials.new_internal_key(merchant=merchant, now=now, overlap=timedelta(hours=1))
    _campaigns(merchant)
    _cases(merchant)
    _operations(merchant)
    team.invite(merchant=merchant, email=LONG_EMAIL, role=Role.VIEWER)
    merchant.refresh_from_db()
    return merchant


def _campaigns(merchant: Merchant) -> None:
    current = publish(merchant, "Euros and more of what comes in large invoices, by quarter")
    drafted = campaigns.draft(campaign=current)
    campaigns.change(drafted, priority=3, conditions={"currencies": ["eur"]})


def _cases(merchant: Merchant) -> None:
    """One in yen, one in Kuwait's dinars of a thousand parts, one of somebody with a long name."""
    case = RecoveryCase.objects.of(merchant).earliest("id")
    customer = Customer.objects.get(cases=case)
    customer.email, customer.name = LONG_EMAIL, LONG_NAME
    customer.save()
    dear = {"jpy": 123_456_789, "kwd": 98_765_432_105}
    others = RecoveryCase.objects.of(merchant).exclude(pk=case.pk).order_by("-id")
    for other, (currency, amount) in zip(others, dear.items(), strict=False):
        RecoveryCase.objects.filter(pk=other.pk).update(
            currency=currency, amount=amount, amount_recovered=amount if other.mechanism else 0
        )
    timeline.append(
        case=case, kind=Kind.ATTEMPT_REFUSED, summary=LONG_REASON[:300], once="long",
        at=timezone.now(), rule="Visa forbids it", source="Visa Core Rules",
        facts={"alternatives": [{"rule": "another", "source": "there"}], "amount": case.amount},
    )  # fmt: skip


def _operations(merchant: Merchant) -> None:
    """What failed, with what was said."""
    made, _secret = webhook_registrations.register(
        merchant=merchant, url=f"https://off.fern.example/{'long-' * 20}", now=timezone.now(),
        event_types=["case.opened"], description="The shop’s own ledger",
    )  # fmt: skip
    webhook_registrations.update(registration=made, state="disabled", now=timezone.now())
    StripeEvent.objects.of(merchant).update(
        state="failed", processed_at=None, error=LONG_REASON, tries=12
    )
    WebhookDelivery.objects.of(merchant).update(
        state="given_up", given_up_at=timezone.now(), last_status=500, last_error=LONG_REASON[:200]
    )


# --- who looks, and at what ---------------------------------------------------------------------


def staff_and_her_code() -> tuple[User, str]:
    """The platform's staff with a second factor, and the secret of it."""
    user = User.objects.create_superuser("root@example.com", PASSWORD)
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return user, secret


def code_of(secret: str) -> str:
    """What the authenticator shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def comes_in(email: str, secret: str = "") -> Client:
    """By the form, as people do: what asks for the password once more doesn't."""
    client = Client()
    client.post(f"{PAGES}login/", {"login": email, "password": PASSWORD})
    if secret:
        client.post(f"{PAGES}second-factor/authenticate/", {"code": code_of(secret)})
    return client


def who_looks(merchant: Merchant) -> list[Client]:
    """A stranger, staff who may see everything, and an owner without a second factor."""
    user, secret = staff_and_her_code()
    log_in(merchant, Role.OWNER, "olga@example.com")
    return [Client(), comes_in(user.email, secret), comes_in("olga@example.com")]


def arguments(merchant: Merchant) -> Mapping[str, Mapping[str, Any]]:
    """What is in the addresses of single things; `*`: wherever an argument is called that."""
    draft = DunningCampaign.objects.of(merchant).filter(state="draft").latest("id")
    current = DunningCampaign.objects.of(merchant).filter(plan=draft.plan, state="current").get()
    message = DunningMessage.objects.of(merchant).earliest("id")
    webhook = WebhookRegistration.objects.of(merchant).latest("id")
    olga = User.objects.get(email="olga@example.com")
    in_debt = Customer.objects.get(email=LONG_EMAIL)
    return {
        "*": {
            "plan": current.plan, "name": "failed", "language": "en", "verb": "pause",
            "decline_type": "soft", "pk": Membership.objects.of(merchant).latest("id").pk,
            "public_id": webhook.public_id, "key_id": "key_none", "content_type_id": 1,
            "object_id": 1, "app_label": "recovery", "url": "nothing",
        },
        "admin:dunning_dunningcampaign_change": {"object_id": current.pk},
        "admin:customer_erase": {"pk": in_debt.pk},
        "admin:message": {"public_id": message.public_id},
        "admin:message_html": {"public_id": message.public_id},
        "account_reset_password_from_key": {
            "uidb36": user_pk_to_url_str(olga), "key": default_token_generator.make_token(olga),
        },
    }  # fmt: skip
