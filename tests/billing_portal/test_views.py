"""The page behind the link, in each of its states (the contract, section 5)."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from recovery import cases
from recovery.models import RecoveryCase
from recovery.state_machine import Trigger
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive

pytestmark = pytest.mark.django_db
PAGE = "/fourthngoal/recover/update"


@pytest.fixture
def case() -> RecoveryCase:
    make_merchant()
    receive(DOCUMENTED_EXAMPLE)
    return RecoveryCase.objects.get()


def token_for(case: RecoveryCase, *, age: timedelta = timedelta(0)) -> str:
    return links.create(case=case, now=timezone.now() - age).partition("token=")[2]


def test_a_valid_link_shows_what_failed_and_changes_nothing(case: RecoveryCase) -> None:
    page = Client().get(PAGE, {"token": token_for(case)})

    assert page.status_code == 200
    assert "$49.00" in page.content.decode()
    assert "enough money" in page.content.decode()
    case.refresh_from_db()
    assert case.status == "open"
    assert PaymentUpdateLink.objects.get().started_at is None


@pytest.mark.parametrize("left", [".", " ", ").", ",\n", "”"])
def test_a_link_that_was_pasted_with_what_stood_behind_it_works(
    case: RecoveryCase, left: str
) -> None:
    assert Client().get(PAGE, {"token": token_for(case) + left}).status_code == 200


def test_the_page_is_kept_by_nobody_found_by_nobody_and_runs_no_script(case: RecoveryCase) -> None:
    page = Client().get(PAGE, {"token": token_for(case)})

    assert page["Cache-Control"] == "no-store"
    assert "noindex" in page["X-Robots-Tag"]
    assert page["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert "<script" not in page.content.decode()
    assert len(page.content) < 20_000


def test_an_expired_link_is_a_410_that_says_what_to_do(case: RecoveryCase) -> None:
    page = Client().get(PAGE, {"token": token_for(case, age=timedelta(days=7))})
    assert page.status_code == 410
    assert "Send me a new link" in page.content.decode()
    assert "user@example.com" not in page.content.decode()


def test_an_expired_link_of_a_paid_case_says_that_it_is_paid(case: RecoveryCase) -> None:
    token, now = token_for(case, age=timedelta(days=7)), timezone.now()
    cases.advance(
        case=case, trigger=Trigger.INVOICE_PAID, at=now, now=now, once="test",
        payment=cases.Payment(4900),
    )  # fmt: skip
    page = Client().get(PAGE, {"token": token})
    assert page.status_code == 200
    assert "this is paid" in page.content.decode()


def test_a_new_link_is_asked_for_once_and_the_page_reveals_nothing(case: RecoveryCase) -> None:
    token = token_for(case, age=timedelta(days=7))
    pages = [Client().post(f"{PAGE}/replace", {"token": token}) for _again in range(2)]
    case.customer = None
    case.save()
    without_address = Client().post(f"{PAGE}/replace", {"token": token})

    assert [page.status_code for page in pages] == [200, 200]
    told = [re.sub(r'nonce="[^"]+"', "", page.content.decode()) for page in pages]
    assert told[0] == told[1] == re.sub(r'nonce="[^"]+"', "", without_address.content.decode())
    assert "example.com" not in told[0]
    assert case.timeline.filter(kind="link_requested").count() == 1


def test_only_an_expired_link_is_replaced(case: RecoveryCase) -> None:
    valid = Client().post(f"{PAGE}/replace", {"token": token_for(case)})
    forged = Client().post(f"{PAGE}/replace", {"token": "x"})
    fetched = Client().get(f"{PAGE}/replace")

    assert "Update payment details" in valid.content.decode()
    assert (valid.status_code, forged.status_code, fetched.status_code) == (200, 400, 405)
    assert not PaymentUpdateLink.objects.filter(replacement_requested_at__isnull=False).exists()


def test_a_revoked_link_is_a_410(case: RecoveryCase) -> None:
    token = token_for(case)
    links.revoke(PaymentUpdateLink.objects.get(), now=timezone.now())
    assert Client().get(PAGE, {"token": token}).status_code == 410


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\x00", "é", "eyJhbGciOiJub25lIn0.e30."])
def test_a_forged_link_is_a_400_for_get_and_post(case: RecoveryCase, token: str) -> None:
    assert Client().get(PAGE, {"token": token}).status_code == 400
    assert Client().post(PAGE, {"token": token}).status_code == 400


def test_a_token_that_brings_a_customer_back_opens_no_update_page(case: RecoveryCase) -> None:
    token_for(case)
    back = links.return_url(PaymentUpdateLink.objects.get(), now=timezone.now())
    assert Client().get(PAGE, {"token": back.partition("?r=")[2]}).status_code == 400


@pytest.mark.parametrize(
    ("trigger", "words"),
    [(Trigger.INVOICE_PAID, "this is paid"), (Trigger.INVOICE_VOIDED, "Nothing to pay")],
)
def test_a_closed_case_has_a_page_of_its_own(
    case: RecoveryCase, trigger: Trigger, words: str
) -> None:
    token, now = token_for(case), timezone.now()
    cases.advance(
        case=case, trigger=trigger, at=now, now=now, once="test", payment=cases.Payment(4900)
    )
    page = Client().get(PAGE, {"token": token})
    assert page.status_code == 200
    assert words in page.content.decode()


def owe_more(case: RecoveryCase) -> RecoveryCase:
    """Another debt of the case's customer."""
    known = {name: getattr(case, name) for name in ("merchant_id", "customer_id", "livemode")}
    return RecoveryCase.objects.create(
        **known, stripe_invoice_id="in_2", amount=1200, currency="usd", decline_type="soft",
        failed_at=case.failed_at, opened_at=case.opened_at, known_at=case.known_at,
    )  # fmt: skip


CLOSES = pytest.mark.parametrize("trigger", [Trigger.INVOICE_PAID, Trigger.INVOICE_VOIDED])


def settle(case: RecoveryCase, trigger: Trigger) -> None:
    now = timezone.now()
    payment = cases.Payment(4900) if trigger is Trigger.INVOICE_PAID else None
    cases.advance(case=case, trigger=trigger, at=now, now=now, once="test", payment=payment)


@CLOSES
def test_a_settled_debt_leads_on_to_what_is_still_open(
    case: RecoveryCase, trigger: Trigger
) -> None:
    other, token = owe_more(case), token_for(case)
    settle(case, trigger)
    page = Client().get(PAGE, {"token": token}).content.decode()
    assert PaymentUpdateLink.objects.count() == 1  # who merely looks makes no link

    assert "Something else is still open" in page
    assert "nothing left to do" not in page
    assert "close this page" not in page
    assert "See what is open" in page
    onward = Client().post(PAGE, {"token": token, "lang": "en"})
    assert onward.status_code == 303
    assert PaymentUpdateLink.objects.latest("id").case == other
    shown = Client().get(onward["Location"]).content.decode()
    assert "$12.00" in shown
    assert onward["Location"].endswith("&lang=en")


@CLOSES
def test_who_may_still_be_typing_is_not_led_on_to_that(
    case: RecoveryCase, trigger: Trigger
) -> None:
    other, token = owe_more(case), token_for(case)
    other.settles_at = timezone.now() + timedelta(minutes=1)
    other.save()
    settle(case, trigger)

    assert "Something else" not in Client().get(PAGE, {"token": token}).content.decode()
    assert Client().post(PAGE, {"token": token}).status_code == 200
    assert PaymentUpdateLink.objects.count() == 1


@CLOSES
def test_an_expired_link_of_a_settled_debt_opens_no_other(
    case: RecoveryCase, trigger: Trigger
) -> None:
    owe_more(case)
    token = token_for(case, age=timedelta(days=7))
    settle(case, trigger)
    for page in [Client().get(PAGE, {"token": token}), Client().post(PAGE, {"token": token})]:
        assert "Something else is still open" in page.content.decode()
        assert "open the newest mail from" in page.content.decode()
        assert "<form" not in page.content.decode()

    assert PaymentUpdateLink.objects.count() == 1


def test_what_was_given_up_is_not_asked_for_where_something_else_was_paid(
    case: RecoveryCase,
) -> None:
    settle(owe_more(case), Trigger.OPERATOR_CLOSED)
    token = token_for(case)
    settle(case, Trigger.INVOICE_PAID)

    assert "nothing left to do" in Client().get(PAGE, {"token": token}).content.decode()


def test_what_is_settled_while_its_customer_is_on_the_way_there_leads_nowhere(
    case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, token = owe_more(case), token_for(case)
    settle(case, Trigger.INVOICE_PAID)
    found = links.find(token, now=timezone.now())
    settle(other, Trigger.INVOICE_VOIDED)
    monkeypatch.setattr(links, "find", lambda *_, **__: found)

    assert Client().post(PAGE, {"token": token})["Location"] == f"{PAGE}?token={token}"


@pytest.mark.parametrize("decline_code", ["insufficient_funds", "authentication_required"])
def test_while_a_bank_works_on_a_payment_of_an_invoice_its_page_says_so(
    case: RecoveryCase, decline_code: str
) -> None:
    RecoveryCase.objects.update(
        is_payment_under_way=True,
        decline_code=decline_code,
        hosted_invoice_url="https://i.example",
    )
    token = token_for(case)
    page = Client().get(PAGE, {"token": token, "lang": "en"}).content.decode()

    assert "Your payment is under way" in page
    assert f'href="{PAGE}?token={token}&amp;lang=en"' in page  # the way to look again
    assert "didn’t go through" not in page
    assert "<form" not in page


def test_without_a_portal_the_post_says_what_to_do_instead(case: RecoveryCase) -> None:
    page = Client().post(PAGE, {"token": token_for(case)})
    assert page.status_code == 200
    assert "another way" in page.content.decode()


def test_a_page_that_is_opened_again_is_told_of_once(case: RecoveryCase) -> None:
    token = token_for(case)
    for _again in range(2):
        assert Client().get(PAGE, {"token": token}).status_code == 200

    assert case.timeline.filter(kind="link_opened").count() == 1
    assert str(PaymentUpdateLink.objects.get()).startswith("pul_")


def test_a_token_of_a_link_that_is_gone_is_forged(case: RecoveryCase) -> None:
    token = token_for(case)
    PaymentUpdateLink.objects.all().delete()
    assert Client().get(PAGE, {"token": token}).status_code == 400


def way_back(case: RecoveryCase, *, age: timedelta = timedelta(0)) -> str:
    token_for(case)
    address = links.return_url(PaymentUpdateLink.objects.get(), now=timezone.now() - age)
    return f"{PAGE}/return?{address.partition('?')[2]}"


def test_a_way_back_that_is_too_old_says_so_and_what_became_of_the_card(
    case: RecoveryCase,
) -> None:
    page = Client().get(way_back(case, age=links.RETURN_LIFETIME))
    assert page.status_code == 410
    assert "it is charged once" in page.content.decode()


def test_a_forged_way_back_is_a_400_and_a_revoked_one_a_410(case: RecoveryCase) -> None:
    address = way_back(case)
    forged = Client().get(f"{PAGE}/return?r=x")
    links.revoke(PaymentUpdateLink.objects.get(), now=timezone.now())
    revoked = Client().get(address)

    assert (forged.status_code, revoked.status_code) == (400, 410)
    assert PaymentUpdateLink.objects.get().finished_at is None


def test_a_customer_comes_back_by_a_get_or_by_a_button(case: RecoveryCase) -> None:
    address = way_back(case)

    assert Client().head(address).status_code == 405
    assert Client().put(address).status_code == 405
    assert Client().post(address).status_code == 400  # a button sends the token itself


def test_a_payment_that_the_bank_wants_confirmed_leads_to_where_that_is_done(
    case: RecoveryCase,
) -> None:
    RecoveryCase.objects.update(
        decline_code="authentication_required", hosted_invoice_url="https://invoice.stripe.com/i/1"
    )
    page = Client().get(PAGE, {"token": token_for(case)}).content.decode()
    assert f'<form method="post" action="{PAGE}/invoice">' in page
    assert "https://invoice.stripe.com/i/1" not in page
    assert "Confirm the payment" in page
    assert "Use another card" in page

    RecoveryCase.objects.update(hosted_invoice_url="")
    assert (
        "Update payment details" in Client().get(PAGE, {"token": token_for(case)}).content.decode()
    )
