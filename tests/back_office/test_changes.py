"""What people changed: who, when, before and after; no secrets, and no other merchant's."""

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.utils import timezone

from dunning import campaigns
from dunning.models import DunningStep
from recover_project.back_office.people.recording import HIDDEN
from recovery import credentials
from recovery.models import Membership, Merchant, Role, User
from tests.back_office.people import PASSWORD, STRIPE_KEY, log_in, members
from tests.builders import make_merchant
from tests.dunning.campaigns_of import draft, mails

pytestmark = pytest.mark.django_db
CHANGES = "/admin/changes/"
NEW = "a new long pass phrase"


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def seen_by_an_owner(merchant: Merchant) -> str:
    client = log_in(merchant, Role.OWNER, "olga@example.com")
    return client.get(CHANGES).content.decode()


def test_a_change_shows_before_and_after(merchant: Merchant) -> None:
    merchant.product_name = "Fern Coffee Club"
    merchant.save()

    shown = seen_by_an_owner(merchant)

    assert "<strong>product name</strong>" in shown
    assert "<del>Fern Tea Club</del>" in shown
    assert "<ins>Fern Coffee Club</ins>" in shown


def test_a_campaigns_new_steps_are_told_as_those_that_went(merchant: Merchant) -> None:
    campaign = draft(merchant, steps=mails(1))
    LogEntry.objects.all().delete()

    campaigns.change(campaign, name="Another", steps=campaigns.read(campaign).steps)
    assert not LogEntry.objects.get_for_model(DunningStep).exists()
    campaigns.change(campaign, steps=mails(2))

    told = LogEntry.objects.get_for_model(DunningStep).order_by("id")
    assert list(told.values_list("action", flat=True)) == [
        LogEntry.Action.DELETE, LogEntry.Action.CREATE,
    ]  # fmt: skip
    assert "<ins>2 days</ins>" in seen_by_an_owner(merchant)


def test_a_length_of_time_is_told_as_it_is_set_and_a_text_as_it_is(
    merchant: Merchant,
) -> None:
    campaign = draft(merchant, steps=mails(1))
    campaigns.change(campaign, steps=mails(1.5))
    merchant.product_name = "1 day, 12:00:00"
    merchant.save()

    shown = seen_by_an_owner(merchant)

    assert "<ins>1 day 12 hours</ins>" in shown
    assert "<ins>1 day, 12:00:00</ins>" in shown


def test_a_page_knows_who_did_it_and_from_where(merchant: Merchant) -> None:
    client = log_in(merchant, Role.OWNER, "olga@example.com")
    client.post("/admin/account/password/change/", {
        "oldpassword": PASSWORD, "password1": NEW, "password2": NEW,
    })  # fmt: skip
    user = User.objects.get()
    assert user.check_password(NEW)

    entry = LogEntry.objects.get_for_object(user).filter(action=LogEntry.Action.UPDATE).first()
    assert entry
    assert (entry.actor, entry.remote_addr) == (user, "127.0.0.1")
    assert entry.changes["password"] == [HIDDEN, HIDDEN]


def test_no_secret_is_recorded(merchant: Merchant) -> None:
    merchant.stripe.api_key = STRIPE_KEY
    merchant.stripe.save()
    key = credentials.new_internal_key(merchant=merchant, now=timezone.now())

    shown = seen_by_an_owner(merchant)

    assert "api key" in shown
    assert HIDDEN in shown
    assert STRIPE_KEY not in shown
    assert STRIPE_KEY[:8] not in shown
    assert key not in shown


def test_a_role_that_changes_and_a_member_who_goes_are_recorded(merchant: Merchant) -> None:
    log_in(merchant, Role.VIEWER, "vi@example.com")
    log_in(merchant, Role.OPERATOR, "vi@example.com")
    Membership.objects.get(user__email="vi@example.com").delete()

    shown = seen_by_an_owner(merchant)

    assert "<del>viewer</del>" in shown
    assert "removed: membership" in shown


def test_another_merchants_changes_are_not_seen(merchant: Merchant) -> None:
    other = make_merchant("Moss")
    other.product_name = "Moss Radio"
    other.save()

    assert "Moss" not in seen_by_an_owner(merchant)


def test_only_owners_see_them(merchant: Merchant) -> None:
    owner, *others = members(merchant)

    assert owner.get(CHANGES).status_code == 200
    assert [client.get(CHANGES).status_code for client in others] == [403, 403]
    assert Client().get(CHANGES)["Location"].startswith("/admin/login/")
