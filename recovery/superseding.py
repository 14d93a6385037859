"""A one-time payment is paid at Stripe's Checkout, and never also the way that failed.

The order of the steps, and what a crash between any two of them leaves: docs/adr/0009.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from recovery import checkouts, settling, stripe_gateway
from recovery.checkout_sessions import CheckoutSession
from recovery.checkouts import NotPayableError
from recovery.models import Checkout, RecoveryCase
from recovery.stripe_errors import (
    ObjectMissingError,
    RefusedError,
    StripeError,
    StripeUnavailableError,
)
from recovery.stripe_gateway import Purchase, StripeGateway
from recovery.stripe_objects import UNDER_WAY

# What is found out in the course of a click is newer than what was known when it began.
NEWER = timedelta(seconds=1)


class OvertakenError(Exception):
    """The customer has pressed the button once more: the later click leads to Stripe."""

    def __init__(self) -> None:
        super().__init__("the customer set out anew")


def open_checkout(*, case: RecoveryCase, return_url: str, locale: str, now: datetime) -> str:
    """The address of a page where the case's payment can be paid, and nowhere else any more; good
    for half an hour, so never kept. `locale` is "" where the customer chose none.

    Raises NotPayableError, OvertakenError, StripeError.
    """
    gateway = stripe_gateway.of_debt(case)
    settling.settle(case=case, now=now)
    checkout = checkouts.claim(case=case, now=now)
    try:
        for earlier in checkouts.replaced(case):
            _end_earlier(earlier, gateway, now=now)
        url = _make(checkout, gateway, return_url=return_url, locale=locale, now=now)
        _cancel_failed_payment(checkout, gateway, now=now)
        _hand_out(checkout)
    except StripeUnavailableError:
        raise  # what Stripe did is not known: the sweep finds out, or the next click
    except (StripeError, NotPayableError, OvertakenError) as error:
        with suppress(StripeError):
            _clear_away(checkout, gateway, why=str(error), now=now)
        raise
    return url


def _end_earlier(earlier: Checkout, gateway: StripeGateway, *, now: datetime) -> None:
    """Two pages can't both be paid. Raises NotPayableError if that one has been."""
    if not _is_ended(earlier, gateway):
        settling.settle_checkout(checkout=earlier, now=now + NEWER)
        raise NotPayableError
    checkouts.close(earlier, why="the customer set out anew", now=now)


def _is_ended(checkout: Checkout, gateway: StripeGateway) -> bool:
    """Whether nobody can pay there any more; False if somebody has."""
    try:
        gateway.expire_checkout(checkout.session_id)
    except RefusedError:
        session = gateway.checkout_session(checkout.session_id)
        if session.status == "open":
            raise
        return session.status == "expired" or _bounced(session, gateway)
    except ObjectMissingError:
        return True
    return True


def _bounced(session: CheckoutSession, gateway: StripeGateway) -> bool:
    """Whether a bank refused, days later, what was paid there by a direct debit: the page is
    complete and can't be used again (docs.stripe.com/payments/checkout/fulfillment)."""
    status = gateway.payment_intent(session.payment_intent_id).status
    return status in {"requires_payment_method", "canceled"}


def _make(
    checkout: Checkout, gateway: StripeGateway, *, return_url: str, locale: str, now: datetime
) -> str:
    """Nobody knows the session's address yet, so nothing can be paid there."""
    purchase = _purchase(checkout)
    session = None
    if purchase.customer_id:
        with suppress(ObjectMissingError):  # a deleted customer pays as a guest
            session = gateway.create_checkout(
                purchase, return_url=return_url, locale=locale, expires_at=checkout.expires_at
            )
    session = session or gateway.create_checkout(
        replace(purchase, customer_id=""), return_url=return_url, locale=locale,
        expires_at=checkout.expires_at,
    )  # fmt: skip
    if not checkouts.made(checkout, session_id=session.id, now=now):
        raise OvertakenError
    return session.url


def _purchase(checkout: Checkout) -> Purchase:
    case = checkout.case
    customer = case.customer
    is_known = customer is not None and not customer.is_deleted
    return Purchase(
        amount=case.amount,
        currency=case.currency,
        description=case.description or case.merchant.product_name,
        customer_id=customer.stripe_customer_id if customer and is_known else "",
        email=case.customer_email,
        case_id=case.public_id,
        checkout_id=checkout.public_id,
    )


def _cancel_failed_payment(checkout: Checkout, gateway: StripeGateway, *, now: datetime) -> None:
    """Raises NotPayableError where that payment was quicker."""
    if checkout.canceled_at is not None:
        return
    case = checkout.case
    try:
        gateway.cancel_payment(case.stripe_payment_intent_id)
    except RefusedError:
        intent = gateway.payment_intent(case.stripe_payment_intent_id)
        if intent.status != "canceled":
            settling.settle_payment(case=case, intent=intent, now=now + NEWER)
            if intent.status in UNDER_WAY | {"succeeded"}:
                raise NotPayableError from None
            raise
    checkouts.canceled(checkout, now=now)


def _hand_out(checkout: Checkout) -> None:
    if not checkouts.hand_out(checkout):
        raise OvertakenError


def look_after(checkout: Checkout, *, now: datetime) -> None:
    """A checkout that should have ended: how it did, or that it does now. Raises StripeError where
    that is to be asked again: as long as somebody might pay there."""
    try:
        gateway = stripe_gateway.of_debt(checkout.case)
        if checkout.state == Checkout.State.CLAIMED:
            _clear_away(checkout, gateway, why="it was never handed out", now=now)
        else:
            _end(checkout, gateway, now=now)
    except StripeError as error:
        if isinstance(error, StripeUnavailableError) or now < checkout.expires_at:
            raise
        checkouts.close(checkout, why=str(error), now=now)


def _end(checkout: Checkout, gateway: StripeGateway, *, now: datetime) -> None:
    if _is_ended(checkout, gateway):
        _resolve(checkout, gateway, now=now)
        checkouts.close(checkout, why="nobody paid there in time", now=now)
        return
    settling.settle_checkout(checkout=checkout, now=now)
    checkouts.look_tomorrow(checkout, now=now)


def _clear_away(checkout: Checkout, gateway: StripeGateway, *, why: str, now: datetime) -> None:
    """Nobody has its address, so it can only be ended. Raises StripeError."""
    if checkout.session_id:
        _is_ended(checkout, gateway)
    _resolve(checkout, gateway, now=now)
    checkouts.close(checkout, why=why, now=now)


def _resolve(checkout: Checkout, gateway: StripeGateway, *, now: datetime) -> None:
    """Stripe was asked to cancel the failed payment, and what it answered isn't known."""
    case = checkout.case
    if not checkouts.is_given_up(case) or checkouts.superseded_at(case):
        return
    if gateway.payment_intent(case.stripe_payment_intent_id).status == "canceled":
        checkouts.canceled(checkout, now=now)
    else:
        checkouts.not_canceled(checkout)
