"""Before customers are told of debts, Stripe is asked whether they are still open."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from recovery import settling, stripe_gateway
from recovery.asking import at_once
from recovery.models import RecoveryCase
from recovery.stripe_errors import (
    MissingPermissionError,
    NoStripeError,
    ObjectMissingError,
    StripeError,
    StripeUnavailableError,
)
from recovery.stripe_objects import Invoice


class StaleError(Exception):
    """What we know may be old, and Stripe can't be asked now: better late than wrong.

    `is_for_a_person`: nor will it be, until somebody sets it right.
    """

    def __init__(self, why: str, *, is_for_a_person: bool = False) -> None:
        super().__init__(why)
        self.is_for_a_person = is_for_a_person


class Told:
    """What Stripe said of the debts `about` when it was asked, at `asked_at`, or why it said
    nothing; of some there was nothing to ask."""

    def __init__(
        self, answers: Mapping[int, Invoice | StripeError | None], *, about: Collection[int],
        asked_at: datetime,
    ) -> None:  # fmt: skip
        self._answers, self._about, self._asked_at = answers, about, asked_at

    def is_about(self, case: RecoveryCase) -> bool:
        """Not about one that came up since."""
        return case.pk in self._about

    def take_over(self, case: RecoveryCase) -> None:
        """What it said of this debt. Raises StaleError.

        Where Stripe knows nothing, or isn't ours to ask, the events are all there is to know. A
        key that Stripe no longer takes is no such case: it may be mended.
        """
        answer = self._answers.get(case.pk)
        if isinstance(answer, Invoice):
            # What was heard since it was asked is newer than its answer.
            settling.settle(case=case, now=self._asked_at, told=answer)
        elif isinstance(answer, MissingPermissionError):
            raise StaleError(str(answer), is_for_a_person=True) from answer
        elif answer and not isinstance(answer, NoStripeError | ObjectMissingError):
            why = "Stripe can't be asked whether the debt is still open."
            raise StaleError(why) from answer


def ask(case: RecoveryCase, *, now: datetime) -> None:
    """Take over what Stripe says of the debt now. Raises StaleError."""
    ask_all([case], now=now).take_over(case)


def ask_all(cases: Sequence[RecoveryCase], *, now: datetime) -> Told:
    """Stripe is asked about the invoices of several cases at the same time. Of one-time payments
    it is asked one after the other before, and what it says of these is taken over at once."""
    owed = [case for case in cases if not case.merchant.stripe.disconnected_at]
    refused = {case.pk: _settled(case, now=now) for case in owed if case.is_one_time}
    invoiced = [case for case in owed if not case.is_one_time]
    said = at_once(
        invoiced, _answer, is_silence=lambda answer: isinstance(answer, StripeUnavailableError)
    )
    answers = dict(zip([case.pk for case in invoiced], said, strict=True))
    about = {case.pk for case in cases}
    return Told({**refused, **answers}, about=about, asked_at=now)


def _settled(case: RecoveryCase, *, now: datetime) -> StripeError | None:
    try:
        settling.settle(case=case, now=now)
    except StripeError as error:
        return error
    return None


def _answer(case: RecoveryCase) -> Invoice | StripeError:
    try:
        return stripe_gateway.of(case.merchant).invoice(case.stripe_invoice_id)
    except StripeError as error:
        return error
