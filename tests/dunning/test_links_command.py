"""manage.py links: what became of a case's links, taking them back, sending a new one."""

from datetime import UTC, datetime

import pytest
from django.core import mail
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.models import DunningMessage
from dunning.tasks import deliver_queued
from recovery.models import Merchant, RecoveryCase
from recovery.state_machine import Trigger
from tests.builders import make_merchant
from tests.dunning.facts import close, fail
from tests.recovery.test_commands import refused, run

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant(time_zone="Asia/Tokyo")


@pytest.fixture
def case(merchant: Merchant) -> RecoveryCase:
    return fail()


def asked(case: RecoveryCase, *options: str) -> tuple[str, ...]:
    return ("links", case.merchant.public_id, case.public_id, *options)


def told(case: RecoveryCase, kind: str) -> list[str]:
    return list(case.timeline.filter(kind=kind).values_list("actor", flat=True))


def test_each_link_is_told_with_what_became_of_it_by_the_merchants_clock(
    case: RecoveryCase,
) -> None:
    token = links.create(case=case, now=NOON).partition("token=")[2]
    link = PaymentUpdateLink.objects.get()
    links.opened(link, now=NOON)
    links.create(case=case, now=NOON)

    first, second = run(*asked(case)).splitlines()

    times = "created 2026-11-03 21:00, expires 2026-11-10 21:00"
    assert first == f"{link.public_id}  {times}, opened 2026-11-03 21:00"
    assert second.endswith(f"  {times}")
    assert token not in first
    assert link.digest not in first


def test_a_case_without_links_says_so(case: RecoveryCase) -> None:
    assert run(*asked(case)) == f"{case.public_id} has no link.\n"


def test_all_links_are_revoked(case: RecoveryCase) -> None:
    for _twice in range(2):
        links.create(case=case, now=timezone.now())

    assert run(*asked(case, "--revoke")) == "Links revoked: 2.\n"
    assert run(*asked(case, "--revoke")) == "Links revoked: 0.\n"
    assert told(case, "link_revoked") == ["operator", "operator"]


def test_one_link_is_revoked(case: RecoveryCase) -> None:
    links.create(case=case, now=timezone.now())
    link = PaymentUpdateLink.objects.get()
    links.create(case=case, now=timezone.now())

    assert run(*asked(case, "--revoke-link", str(link))) == f"{link} is revoked.\n"
    assert run(*asked(case, "--revoke-link", str(link))) == f"{link} is revoked already.\n"
    assert case.links.filter(revoked_at=None).count() == 1


def test_a_new_link_is_sent(case: RecoveryCase) -> None:
    said = run(*asked(case, "--resend"))
    deliver_queued()

    message = DunningMessage.objects.get()
    assert said == f"A new link is on its way, with message {message.public_id}.\n"
    assert (message.state, len(mail.outbox)) == ("sent", 1)
    assert told(case, "link_requested") == ["operator"]


def test_a_link_that_would_not_go_is_refused_in_a_sentence(case: RecoveryCase) -> None:
    close(case, now=timezone.now(), trigger=Trigger.INVOICE_VOIDED)

    assert refused(*asked(case, "--resend")) == "No new link was sent: the case is voided."
    assert not DunningMessage.objects.exists()


@pytest.mark.parametrize("option", ["", "--revoke", "--resend", "--revoke-link"])
def test_another_merchants_case_is_unknown(case: RecoveryCase, option: str) -> None:
    other = make_merchant("Moss")
    links.create(case=case, now=timezone.now())
    link = PaymentUpdateLink.objects.get()
    options = [option, str(link)] if option == "--revoke-link" else [option] if option else []

    said = refused("links", other.public_id, case.public_id, *options)

    assert said == f"Moss has no case {case.public_id}."
    link.refresh_from_db()
    assert link.revoked_at is None
    assert not DunningMessage.objects.exists()


def test_another_cases_link_is_unknown(case: RecoveryCase) -> None:
    other = fail()
    links.create(case=other, now=timezone.now())
    link = PaymentUpdateLink.objects.get()

    said = refused(*asked(case, "--revoke-link", str(link)))

    assert said == f"{case.public_id} has no link {link}."
    link.refresh_from_db()
    assert link.revoked_at is None
