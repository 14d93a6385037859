"""The ways to each page of a one-time payment."""

from datetime import timedelta

from django.utils import timezone

from billing_portal import checkouts, links
from billing_portal.models import PaymentUpdateLink
from recovery.models import Customer, RecoveryCase
from tests.connected import KEY, hear
from tests.journeys.states import Jo, Way
from tests.recovery.purchases import GOOD, takes_days, type_in


def bought_once(jo: Jo, *, is_guest: bool = False) -> None:
    """Another customer's one-time payment fails, who reads the same language and whose pages are
    looked at now."""
    locale = Customer.objects.get().locale
    jo.stripe.scenarios.one_time_fails(key=KEY, with_customer=not is_guest)
    hear(jo.stripe)
    Customer.objects.update(locale=locale)
    jo.case = RecoveryCase.objects.get(stripe_invoice_id="")


def set_out(jo: Jo) -> str:
    """To Checkout; its address."""
    bought_once(jo)
    links.create(case=jo.case, now=timezone.now())
    link = PaymentUpdateLink.objects.select_related("case__merchant__stripe").latest("id")
    return checkouts.begin(link, now=timezone.now())


def come_back(jo: Jo, *, is_late: bool = False) -> None:
    link = PaymentUpdateLink.objects.latest("id")
    left_at = timezone.now() - (links.RETURN_LIFETIME if is_late else timedelta(0))
    jo.page.goto(links.return_url(link, now=left_at, path=links.CHECKOUT_RETURN_PATH))


def to_pay(jo: Jo) -> str:
    bought_once(jo)
    jo.open()
    return "to_pay"


def back_without_paying(jo: Jo) -> str:
    set_out(jo)
    come_back(jo)
    return "checkout_unpaid"


def back_and_paid(jo: Jo) -> str:
    type_in(set_out(jo), GOOD)
    come_back(jo)
    return "paid"


def back_and_with_the_bank(jo: Jo) -> str:
    type_in(set_out(jo), GOOD)
    takes_days(jo.stripe)
    come_back(jo)
    return "checkout_pending"


def with_the_bank(jo: Jo) -> str:
    back_and_with_the_bank(jo)
    jo.open()
    return "checkout_pending"


def back_too_late(jo: Jo) -> str:
    set_out(jo)
    come_back(jo, is_late=True)
    return "checkout_expired"


def back_while_stripe_is_down(jo: Jo) -> str:
    set_out(jo)
    with jo.is_down():
        come_back(jo)
    return "checkout_unavailable"


def no_checkout(jo: Jo) -> str:
    bought_once(jo, is_guest=True)
    jo.stripe.world.restrict(KEY, missing=["rak_checkout_session_write"])
    jo.open()
    jo.press()
    return "no_checkout"


# What can be fetched again, in another language.
FETCHED: list[Way] = [
    to_pay, back_without_paying, back_and_paid, back_and_with_the_bank, with_the_bank,
    back_too_late,
]  # fmt: skip
# What a button or an outage shows once.
SHOWN_ONCE: list[Way] = [no_checkout, back_while_stripe_is_down]
