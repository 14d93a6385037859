"""Two merchants with a row on every page, and people of every role who log in."""

import copy

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery import operator_tasks, webhook_registrations
from recovery.models import Merchant, Reconciliation, RecoveryCase, Role, User
from recovery.operator_tasks import TaskKind
from tests.builders import EXPIRED_CARD, make_merchant, receive

PASSWORD = "a long pass phrase of jo's"
STRIPE_KEY = "rk_test_printed_nowhere"


def make_world(name: str) -> Merchant:
    """A merchant with a row on every page, each with `name` in what can be searched."""
    merchant = make_merchant(name)
    merchant.stripe.api_key = STRIPE_KEY
    payload = copy.deepcopy(EXPIRED_CARD)
    payload["id"] = f"evt_{name}"
    payload["data"]["object"] |= {
        "id": f"in_{name}", "customer": f"cus_{name}", "customer_email": f"{name}@example.com",
        "number": f"{name}-0001",
    }  # fmt: skip
    receive(payload, merchant=merchant)
    start_runs()
    work_due_steps()
    deliver_queued()
    merchant.stripe.save()
    registration, _secret = webhook_registrations.register(
        merchant=merchant, url=f"https://{name}.example.com/hooks", event_types=["case.lost"],
        description=f"of {name}@example.com", now=timezone.now(),
    )  # fmt: skip
    webhook_registrations.rotate_secret(registration=registration, now=timezone.now())
    operator_tasks.create(
        case=RecoveryCase.objects.get(merchant=merchant), kind=TaskKind.CAMPAIGN_STEP,
        summary=f"Call {name}@example.com.", once="test", now=timezone.now(),
    )  # fmt: skip
    webhook_registrations.send_test(registration=registration, now=timezone.now())
    Reconciliation.objects.create(
        merchant=merchant, state="done", began_at=timezone.now(), ended_at=timezone.now()
    )
    return merchant


def log_in(merchant: Merchant, role: str = Role.OPERATOR, email: str = "jo@example.com") -> Client:
    call_command(
        "create_operator", email, "--merchant", merchant.public_id, "--role", role,
        "--password", PASSWORD,
    )  # fmt: skip
    client = Client()
    assert client.login(username=email, password=PASSWORD)
    return client


def members(merchant: Merchant) -> list[Client]:
    return [log_in(merchant, role, f"{role}@example.com") for role in Role.values]


def log_in_superuser(email: str = "root@example.com") -> Client:
    """With a second factor, without which the platform's staff gets nowhere."""
    client, user = Client(), User.objects.create_superuser(email, PASSWORD)
    TOTP.activate(user, generate_totp_secret())
    client.force_login(user)
    return client
