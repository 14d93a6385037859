"""The buttons that lead to Stripe: the portal, Checkout or an invoice's own page; and Checkout's
way back."""

from django.http import HttpResponse

from billing_portal import (
    checkouts,
    debts,
    invoice_pages,
    links,
    pages,
    presentation,
    setting_out,
)
from billing_portal.checkouts import Standing
from billing_portal.link_pages import SeeOther, Visit, more_page, onward
from billing_portal.models import PaymentUpdateLink
from billing_portal.obstacles import NoWayError, Shown
from billing_portal.pages import Button
from recovery import cases, clock
from recovery.checkouts import NotPayableError
from recovery.stripe_errors import StripeUnavailableError
from recovery.superseding import OvertakenError


def pay_or_update(visit: Visit, link: PaymentUpdateLink) -> HttpResponse:
    """To where the debt is settled, or a page that says what helps instead."""
    if cases.is_written_off(link.case):
        return SeeOther(visit.address)  # a new card would not be charged for it
    begin = checkouts.begin if link.case.is_one_time else setting_out.begin
    try:
        return SeeOther(begin(link, now=clock.now(), language=visit.reader.chosen))
    except (NotPayableError, OvertakenError):
        return SeeOther(visit.address)  # it says what there is to do, if anything
    except NoWayError as obstacle:
        return _no_way_page(visit, link, obstacle.shown)
    except StripeUnavailableError:
        return _unavailable_page(visit, link)


def _unavailable_page(visit: Visit, link: PaymentUpdateLink) -> HttpResponse:
    if checkouts.may_be_paid(link.case):
        return visit.page(
            Standing.UNAVAILABLE, status=pages.UNAVAILABLE, buttons=[Button(visit.address)]
        )
    buttons = [Button(links.UPDATE_PATH, visit.query), *_invoice_page(visit, link)]
    return visit.page("unavailable", status=pages.UNAVAILABLE, buttons=buttons)


def _no_way_page(visit: Visit, link: PaymentUpdateLink, shown: Shown) -> HttpResponse:
    buttons = _invoice_page(visit, link) if shown is Shown.PAY_AT_STRIPE else []
    return visit.page(shown, buttons=buttons, **debts.told(visit.reader, link.case))


def _invoice_page(visit: Visit, link: PaymentUpdateLink) -> list[Button]:
    """By way of us, who know the address of today."""
    return [Button(links.INVOICE_PATH, visit.query)] if link.case.hosted_invoice_url else []


def to_invoice(visit: Visit, link: PaymentUpdateLink) -> HttpResponse:
    now = clock.now()
    url = invoice_pages.address(link.case, now=now)
    if not url:
        return SeeOther(visit.address)
    links.left_to_pay(link, where="the invoice's own page at Stripe", now=now)
    return SeeOther(url)


def checkout_page(
    visit: Visit, link: PaymentUpdateLink, *, has_another_open: bool
) -> HttpResponse:
    """Back from Checkout, paid or not."""
    now = clock.now()
    standing = checkouts.come_back(link, now=now)
    if has_another_open and standing in checkouts.SETTLED.values():
        return more_page(visit, standing, [onward(visit, link)])
    buttons = []
    if standing is Standing.UNPAID:
        buttons = [Button(links.UPDATE_PATH, {"token": links.reissue(link, now=now)})]
    elif standing in {Standing.PENDING, Standing.UNAVAILABLE}:
        buttons = [Button(visit.address)]
    amount = presentation.amount(link.case, visit.reader.language)
    status = pages.UNAVAILABLE if standing is Standing.UNAVAILABLE else 200
    return visit.page(standing, status=status, buttons=buttons, facts={"amount": amount})
