"""Before customers are told of debts, Stripe is asked whether they are still open."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from recovery import settling, stripe_gateway
from recovery.asking import at_once
from recovery.models import Merchant, RecoveryCase
from recovery.stripe_errors import (
    MissingPermissionError,
    NoStripeError,
    ObjectMissingError,
    StripeError,
    StripeUnavailableError,
)
from recovery.stripe_objects import Invoice

BELIEVED = 10  # seconds


class StaleError(Exception):
    """What we know may be old, and Stripe can't be asked now: better late than wrong.

    `is_for_a_person`: nor will it be, until somebody sets it right.
    """

    def __init__(self, why: str, *, is_for_a_person: bool = False) -> None:
        super().__init__(why)
        self.is_for_a_person = is_for_a_person


@dataclass(frozen=True, slots=True)
class Answer:
    """`said` is None where it is taken over already; `at` is on a clock that only goes on."""

    said: Invoice | StripeError | None
    at: float

    @classmethod
    def now(cls, said: Invoice | StripeError | None) -> Self:
        return cls(said, time.monotonic())


class Told:
    """What Stripe said of the debts `about` when it was asked, at `asked_at`, or why it said
    nothing; of some there was nothing to ask."""

    def __init__(
        self, answers: Mapping[int, Answer], *, about: Collection[int], asked_at: datetime
    ) -> None:
        self._answers, self._about, self._asked_at = answers, about, asked_at

    def is_about(self, case: RecoveryCase) -> bool:
        """Not about one that came up since."""
        return case.pk in self._about

    def take_over(self, case: RecoveryCase) -> None:
        """What it said of this debt. Raises StaleError, also where that was so long ago, since
        others had to be waited for, that the debt may have been paid meanwhile.

        Where Stripe knows nothing, or isn't ours to ask, the events are all there is to know. A
        key that Stripe no longer takes is no such case: it may be mended.
        """
        answer = self._answers.get(case.pk)
        if answer is None or isinstance(answer.said, NoStripeError | ObjectMissingError):
            return
        if isinstance(answer.said, MissingPermissionError):
            raise StaleError(str(answer.said), is_for_a_person=True) from answer.said
        if isinstance(answer.said, StripeError):
            why = "Stripe can't be asked whether the debt is still open."
            raise StaleError(why) from answer.said
        if time.monotonic() - answer.at > BELIEVED:
            raise StaleError("What Stripe said of the debt is too long ago.")
        if answer.said:
            # What was heard since it was asked is newer than its answer.
            settling.settle(case=case, now=self._asked_at, told=answer.said)


def ask(case: RecoveryCase, *, now: datetime) -> None:
    """Take over what Stripe says of the debt now. Raises StaleError."""
    ask_all([case], now=now).take_over(case)


def ask_all(cases: Sequence[RecoveryCase], *, now: datetime) -> Told:
    """Stripe is asked about the invoices of several cases at the same time. Of one-time payments
    it is asked one after the other before, and what it says of these is taken over at once. Who is
    silent isn't asked about all of a merchant's: that takes most of a minute each time."""
    owed = [case for case in cases if not case.merchant.stripe.disconnected_at]
    answers: dict[int, Answer] = {}
    silent: dict[Merchant, Answer] = {}
    for case in owed:
        if case.is_one_time:
            answer = silent.get(case.merchant) or Answer.now(_settled(case, now=now))
            if _is_silence(answer):
                silent[case.merchant] = answer
            answers[case.pk] = answer
    invoiced = [case for case in owed if not case.is_one_time]
    said = at_once(invoiced, _asked, is_silence=_is_silence)
    answers |= dict(zip([case.pk for case in invoiced], said, strict=True))
    return Told(answers, about={case.pk for case in cases}, asked_at=now)


def _is_silence(answer: Answer) -> bool:
    return isinstance(answer.said, StripeUnavailableError)


def _settled(case: RecoveryCase, *, now: datetime) -> StripeError | None:
    try:
        settling.settle(case=case, now=now)
    except StripeError as error:
        return error
    return None


def _asked(case: RecoveryCase) -> Answer:
    try:
        return Answer.now(stripe_gateway.of_debt(case).invoice(case.stripe_invoice_id))
    except StripeError as error:
        return Answer.now(error)
