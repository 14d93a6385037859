"""Lifting an address: mail goes there again, and what fails again is heard of again."""

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from dunning.mail import addresses, bounces
from dunning.mail.addresses import NotSuppressedError, Reason
from dunning.models import DunningMessage, SuppressedAddress
from recovery import desk
from recovery.models import Customer, Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.dunning.facts import ask_for_a_new_link, close, fail
from tests.dunning.mail.sending import deliver_one
from tests.recovery.test_commands import refused, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant(time_zone="Asia/Tokyo")


def suppress(
    merchant: Merchant, email: str, reason: Reason = Reason.BOUNCED, *,
    at: datetime | None = None, detail: str = "550 no such user",
) -> None:  # fmt: skip
    addresses.suppress(
        merchant=merchant, email=email, reason=reason, detail=detail, now=at or timezone.now()
    )


def lift(merchant: Merchant, email: str) -> SuppressedAddress:
    return addresses.lift(merchant=merchant, email=email, actor="operator", now=timezone.now())


def told(case: RecoveryCase) -> list[tuple[str, str]]:
    entries = case.timeline.filter(kind="address_lifted").order_by("id")
    return [(entry.summary, entry.actor) for entry in entries]


# --- lifting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", Reason)
def test_mail_goes_to_an_address_that_is_lifted(merchant: Merchant, reason: Reason) -> None:
    case = fail()
    suppress(merchant, "jo@example.com", reason)
    assert addresses.recipient(case) == ""

    lifted = lift(merchant, "Jo@Example.com")

    assert (lifted.email, lifted.reason) == ("jo@example.com", reason)
    assert addresses.recipient(case) == "jo@example.com"
    assert told(case) == [(f"j***@example.com ({reason}) may be written to again.", "operator")]


def test_the_open_cases_of_who_is_reached_there_tell_so(merchant: Merchant) -> None:
    own, closed, other, elsewhere = (
        fail(), fail(), fail(email="al@x.org"), fail(email="z@x.org"),
    )  # fmt: skip
    Customer.objects.filter(email="al@x.org").update(alternate_email="JO@example.com")
    close(closed, now=timezone.now())
    suppress(merchant, "jo@example.com")

    lift(merchant, "jo@example.com")

    assert [len(told(case)) for case in (own, closed, other, elsewhere)] == [1, 0, 1, 0]


def test_an_address_that_nothing_is_in_the_way_of_is_refused(merchant: Merchant) -> None:
    case, other = fail(), make_merchant("Moss")
    suppress(other, "jo@example.com")

    with pytest.raises(NotSuppressedError) as error:
        lift(merchant, "jo@example.com")

    assert str(error.value) == "jo@example.com is not suppressed at Fern Tea Club."
    assert SuppressedAddress.objects.get().merchant == other
    assert told(case) == []


def test_an_address_that_is_lifted_twice_is_told_of_twice(merchant: Merchant) -> None:
    case = fail()
    for _time in range(2):
        suppress(merchant, "jo@example.com")
        lift(merchant, "jo@example.com")

    assert len(told(case)) == 2


def test_an_address_that_fails_again_is_a_task_again(merchant: Merchant) -> None:
    case, why = fail(), "j***@example.com takes no mail"
    for _time in range(2):
        suppress(merchant, "jo@example.com")
        for _again in range(2):
            bounces.leave_to_a_person(case, "jo@example.com", why, now=timezone.now())
        lift(merchant, "jo@example.com")

    assert [task.kind for task in case.tasks.all()] == ["address_failed"] * 2


def test_who_unsubscribes_again_is_heard_again(merchant: Merchant) -> None:
    case = fail()
    message = ask_for_a_new_link(case, now=timezone.now())
    deliver_one(message.pk, now=timezone.now())
    message = DunningMessage.objects.select_related("case").get()
    assert mail.outbox[0].to == ["jo@example.com"]
    for _time in range(2):
        for _again in range(2):
            bounces.unsubscribed(message, now=timezone.now())
        lift(merchant, "jo@example.com")

    assert case.timeline.filter(kind="unsubscribed").count() == 2


# --- the command --------------------------------------------------------------------------------


def listed(merchant: Merchant, *options: str) -> list[str]:
    return run("suppressed_addresses", merchant.public_id, *options).splitlines()


def test_addresses_are_listed_masked_newest_first_on_the_merchants_days(
    merchant: Merchant,
) -> None:
    at = datetime.fromisoformat("2026-11-24T16:00:00Z")
    suppress(merchant, "maria@gmail.com", at=at, detail="550 <maria@gmail.com>\nunknown")
    suppress(merchant, "jo@x.org", Reason.COMPLAINED, at=at + timedelta(days=1), detail="")
    suppress(make_merchant("Moss"), "al@x.org")

    assert listed(merchant) == [
        "j***@x.org                       complained    2026-11-26",
        "ma***@gmail.com                  bounced       2026-11-25 550 <ma***@gmail.com> unknown",
    ]
    assert listed(merchant, "--unmasked") == [
        "jo@x.org                         complained    2026-11-26",
        "maria@gmail.com                  bounced       2026-11-25 550 <maria@gmail.com> unknown",
    ]


def test_that_there_is_none_is_said(merchant: Merchant) -> None:
    assert listed(merchant) == ["Fern Tea Club has no suppressed address."]


def test_an_address_is_lifted_by_its_whole_name(merchant: Merchant) -> None:
    at = datetime.fromisoformat("2026-11-24T16:00:00Z")
    suppress(merchant, "maria@gmail.com", Reason.UNSUBSCRIBED, at=at)
    command = ("suppressed_addresses", merchant.public_id, "--lift")

    assert refused(*command, "ma***@gmail.com") == (
        "ma***@gmail.com is not suppressed at Fern Tea Club."
    )
    assert refused(*command, "") == "Write the whole address after --lift."
    assert run(*command, " Maria@gmail.com ") == (
        "maria@gmail.com may be written to again; it was suppressed as unsubscribed since "
        "2026-11-25.\n"
    )
    assert not SuppressedAddress.objects.exists()


def test_what_is_suppressed_at_a_desk_is_known_there(merchant: Merchant) -> None:
    email = "jo@example.com"
    with desk.sitting():
        assert addresses.suppressed(merchant, email) is None
        addresses.suppress(
            merchant=merchant, email=email, reason=Reason.BOUNCED, detail="gone",
            now=timezone.now(),
        )  # fmt: skip
        assert addresses.suppressed(merchant, email) is Reason.BOUNCED
