"""No secret of the settings is shown twice, told in a message, logged, or put into an address."""

import logging
import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from pytest_django import Settings

from recover_project.back_office.pages import PAGES
from recovery.models import Merchant, Role, SigningSecret, WebhookRegistration
from tests.back_office.people import log_in, log_in_superuser
from tests.back_office.settings.filling_in import address, shown
from tests.back_office.settings.test_new_merchant import WANTED as NEW_MERCHANT
from tests.back_office.settings.test_webhooks import WANTED as WEBHOOK
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "rk_test_canary7d2f"
LACKING = "rk_test_lacking9e1c"


def every_page(client: Client) -> str:
    """All that the settings show, and where each answer leads."""
    told = []
    for page in PAGES:
        if page.route.startswith("settings/") and "<" not in page.route:
            answer = client.get(f"/admin/{page.route}", follow=True)
            told += [answer.content.decode(), str(answer.redirect_chain)]
    for registration in WebhookRegistration.objects.all():
        told.append(client.get(address("_webhook", registration.public_id)).content.decode())
    return "".join(told)


def make_all(owner: Client, local_stripe: LocalStripe) -> list[str]:
    """Every secret that the pages make or are given."""
    local_stripe.world.restrict(LACKING, missing=["rak_charge_read"])
    for key in (LACKING, CANARY):
        owner.post(address("_stripe"), {"api_key": key, "look": "1"})
        owner.post(address("_stripe"), {"api_key": key})
    signing = [row.secret for row in SigningSecret.objects.all()]
    owner.post(address("_stripe_rotate"))
    signing += [row.secret for row in SigningSecret.objects.all()]
    made = [
        *shown(owner, owner.post(address("_api_key_new"),
                                 {"name": "reports", "scopes": "read", "days": "30"})),
        *shown(owner, owner.post(address("_internal_key_new"), {"overlap_hours": "1"})),
        *shown(owner, owner.post(address("_webhook_new"), WEBHOOK)),
    ]  # fmt: skip
    [registration] = WebhookRegistration.objects.all()
    again = owner.post(address("_webhook_secret", registration.public_id), {"overlap_hours": "24"})
    made += shown(owner, again)
    owner.post(address("_team_invite"), {"email": "mo@example.com", "role": "viewer"})
    found = re.search(r"/reset/key/(\S+?)/", str(mail.outbox[-1].body))
    assert found is not None
    return [CANARY, LACKING, *signing, *made, found[1]]


def test_what_was_shown_once_is_nowhere_afterwards(
    local_stripe: LocalStripe, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    caplog.set_level(logging.DEBUG)
    merchant = make_merchant()
    owner = log_in(merchant, Role.OWNER)
    answers: list[Any] = []
    post = owner.post
    owner.post = lambda *given, **about: answers.append(post(*given, **about)) or answers[-1]  # type: ignore[method-assign,func-returns-value]

    secrets = make_all(owner, local_stripe)

    assert len(set(secrets)) == len(secrets) == 10
    later = every_page(owner) + every_page(log_in_superuser())
    said = "".join(
        f"{answer.get('Location')}{answer.content.decode()}{dict(answer.items())}"
        for answer in answers
    )
    logged = "".join(
        f"{record.getMessage()}{record.args}" for record in caplog.records
        if not record.name.startswith(("urllib3", "stripe", "faker"))
    )  # fmt: skip
    sessions = "".join(str(session.get_decoded()) for session in Session.objects.all())
    for where in (later, said, logged, sessions, str(local_stripe_paths(local_stripe))):
        assert [secret for secret in secrets if secret in where] == []


def local_stripe_paths(local_stripe: LocalStripe) -> list[str]:
    return [exchange.path for exchange in local_stripe.requests]


def test_the_keys_of_a_new_merchant_are_nowhere_afterwards(
    local_stripe: LocalStripe, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    staff = log_in_superuser()
    fields = NEW_MERCHANT | {"stripe_api_key": CANARY}

    merchant_id, url, *secrets = shown(staff, staff.post(address("_new_merchant"), fields))

    assert merchant_id == Merchant.objects.get().public_id
    assert merchant_id in url
    logged = "".join(record.getMessage() for record in caplog.records)
    for secret in (*secrets, CANARY):
        assert secret not in every_page(staff)
        assert secret not in logged
