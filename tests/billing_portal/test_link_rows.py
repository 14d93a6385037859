"""What a page shows of a link is what the rows say, and is read in one statement."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing_portal import link_rows, links
from billing_portal.languages import LANGUAGES
from billing_portal.models import PaymentUpdateLink
from recovery import cases, logos
from recovery.models import Customer, Merchant, MerchantLogo, OutboundNotice, RecoveryCase
from recovery.state_machine import LEADS_TO, Status, Trigger
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive
from tests.drawings import file_of, wordmark
from tests.recovery.receivers import registered

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PAGE = "/fourthngoal/recover/update"
# Django counts what its own cursors are asked: what is prepared goes around them.
COUNTED = 0 if connection.vendor == "postgresql" else 1


@pytest.fixture
def case() -> RecoveryCase:
    make_merchant()
    receive(DOCUMENTED_EXAMPLE)
    return RecoveryCase.objects.get()


def link_of(case: RecoveryCase, *, age: timedelta = timedelta(0)) -> tuple[PaymentUpdateLink, str]:
    """The link, and the address of its page."""
    address = links.create(case=case, now=timezone.now() - age)
    return PaymentUpdateLink.objects.latest("id"), f"{PAGE}?{address.partition('?')[2]}"


def with_everything(case: RecoveryCase) -> None:
    logos.put(merchant=case.merchant, given=file_of(wordmark()))
    Merchant.objects.update(
        product_name="Fern 100 %s",
        color="#123456",
        support_email="a@b.example",
        time_zone="Asia/Tokyo",
    )
    Customer.objects.update(locale="de-AT,fr")
    RecoveryCase.objects.update(
        invoice_number="F-1", description="é \u2028 '", card_brand="visa", card_last4="4242",
        hosted_invoice_url="https://invoice.example", advice_code="try_again_later",
        has_opened=True,
    )  # fmt: skip
    PaymentUpdateLink.objects.update(opened_at=timezone.now(), revoked_at=timezone.now())


def without_a_customer(_case: RecoveryCase) -> None:
    RecoveryCase.objects.update(customer=None)


def with_another_debt(case: RecoveryCase) -> None:
    known = {name: getattr(case, name) for name in ("merchant_id", "customer_id", "livemode")}
    RecoveryCase.objects.create(
        **known, stripe_invoice_id="in_2", amount=1, currency="usd", decline_type="soft",
        failed_at=case.failed_at, opened_at=case.opened_at, known_at=case.known_at,
    )  # fmt: skip


def at_the_end(row: Model | None, path: str) -> Model | None:
    for name in path.split("__"):
        row = getattr(row, name, None) if name else row
    return row


@pytest.mark.parametrize("change", [None, with_everything, without_a_customer, with_another_debt])
def test_what_is_shown_of_a_link_is_what_its_rows_say(
    case: RecoveryCase, change: Callable[[RecoveryCase], None] | None
) -> None:
    link, _address = link_of(case)
    if change:
        change(case)

    with CaptureQueriesContext(connection) as asked:
        shown = link_rows.as_shown(link.public_id)
    assert len(asked) == COUNTED
    whole = link_rows.whole(link.public_id)

    assert shown
    assert whole
    assert shown[1] == whole[1] == ("open" if change is with_another_debt else None)
    for part in link_rows.PARTS:
        ours, row = (at_the_end(found, part.path) for found, _more in (shown, whole))
        assert (ours is None) is (row is None), part.path
        for name in part.ordered if row else ():
            assert ours.__dict__[name] == getattr(row, name), f"{part.path}{name}"


def test_of_what_else_is_owed_the_open_one_is_told(case: RecoveryCase) -> None:
    link, _address = link_of(case)
    with_another_debt(case)
    RecoveryCase.objects.exclude(pk=case.pk).update(
        status="lost", reason="operator_closed", closed_at=timezone.now()
    )
    assert link_rows.as_shown(link.public_id) == link_rows.whole(link.public_id) == (link, "lost")

    RecoveryCase.objects.filter(stripe_invoice_id="in_2").update(stripe_invoice_id="in_3")
    with_another_debt(case)
    assert link_rows.as_shown(link.public_id) == link_rows.whole(link.public_id) == (link, "open")


def test_what_a_page_does_not_show_is_still_the_rows_own(case: RecoveryCase) -> None:
    link, _address = link_of(case)
    shown = link_rows.as_shown(link.public_id)

    assert shown
    assert shown[0].expires_at == link.expires_at
    assert shown[0].case.opened_at == case.opened_at


@pytest.mark.parametrize("public_id", ["", "pul_x", "%s", "$1", "' OR ''='", "é", "\ue000"])
def test_there_is_no_link_of_another_id(case: RecoveryCase, public_id: str) -> None:
    link_of(case)

    assert link_rows.as_shown(public_id) is None


def fully(case: RecoveryCase) -> None:
    with_everything(case)
    PaymentUpdateLink.objects.update(revoked_at=None)


def to_confirm(case: RecoveryCase) -> None:
    fully(case)
    RecoveryCase.objects.update(decline_code="authentication_required")


def under_way(_case: RecoveryCase) -> None:
    RecoveryCase.objects.update(is_payment_under_way=True)


def revoked(case: RecoveryCase) -> None:
    links.revoke_all(case, now=timezone.now())


def moved_by(trigger: Trigger) -> Callable[[RecoveryCase], None]:
    def move(case: RecoveryCase) -> None:
        now, payment = timezone.now(), cases.Payment(4900)
        cases.advance(
            case=case, trigger=trigger, at=now, now=now, once="test",
            payment=payment if LEADS_TO[trigger] is Status.RECOVERED else None,
        )  # fmt: skip

    return move


STATES: dict[str, tuple[int, Callable[[RecoveryCase], None]]] = {
    "failed": (200, with_another_debt),
    "failed, with all that there is": (200, fully),
    "of nobody": (200, without_a_customer),
    "to confirm": (200, to_confirm),
    "under way": (200, under_way),
    "given up": (200, moved_by(Trigger.CAMPAIGN_ENDED)),
    "written off": (200, moved_by(Trigger.MARKED_UNCOLLECTIBLE)),
    "paid": (200, moved_by(Trigger.INVOICE_PAID)),
    "voided": (200, moved_by(Trigger.INVOICE_VOIDED)),
    "revoked": (410, revoked),
}


@pytest.mark.parametrize("state", STATES)
def test_a_page_of_any_state_is_read_in_one_statement(case: RecoveryCase, state: str) -> None:
    status, change = STATES[state]
    _link, address = link_of(case)
    Client().get(address)  # an opening is told the first time
    change(case)

    for language in LANGUAGES:
        with CaptureQueriesContext(connection) as asked:
            page = Client().get(f"{address}&lang={language}")
        assert page.status_code == status
        assert len(asked) == COUNTED


def test_an_expired_page_is_read_in_one_statement(case: RecoveryCase) -> None:
    _link, address = link_of(case, age=links.LIFETIME)

    with CaptureQueriesContext(connection) as asked:
        page = Client().get(address)

    assert page.status_code == 410
    assert len(asked) == COUNTED


def test_the_page_shows_the_logo_and_reads_no_more_of_it_than_that(case: RecoveryCase) -> None:
    _link, address = link_of(case)
    fully(case)

    page = Client().get(address)

    assert f"{MerchantLogo.objects.get().digest}.png" in page.content.decode()
    assert "content" not in link_rows.LOGO.ordered


@pytest.mark.parametrize("is_one_time", [False, True], ids=["invoice", "one-time payment"])
def test_an_opening_that_somebody_waits_for_reads_no_case_again(
    case: RecoveryCase, is_one_time: bool
) -> None:
    registered(case.merchant)
    if is_one_time:
        RecoveryCase.objects.update(stripe_invoice_id="", stripe_payment_intent_id="pi_1")
    _link, address = link_of(case)

    with CaptureQueriesContext(connection) as asked:
        Client().get(address)

    assert OutboundNotice.objects.filter(type="link.opened").exists()
    assert not [
        one["sql"] for one in asked if one["sql"].startswith('SELECT "recovery_recoverycase"')
    ]
