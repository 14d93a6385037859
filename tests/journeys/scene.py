"""A merchant, its customers' failed payments, and the weeks after: told through the product's own
doors, on the local Stripe's clock."""

import copy
import re
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper
from pytest_django.live_server_helper import LiveServer

from dunning.models import DunningMessage
from recovery import merchants
from recovery.models import Merchant, PaymentAttempt, RecoveryCase
from recovery.tasks import process_inbox
from tests.builders import make_merchant, post, signing_secret
from tests.connected import KEY, ask, asked_to_pay
from tests.dunning.own_campaigns import DAY, published, step
from tests.journeys.one_clock import OneClock
from tests.local_stripe import LocalStripe
from tests.local_stripe.cards import Outcome
from tests.local_stripe.declines import Decline
from tests.local_stripe.exchange import Exchange

BEGIN = datetime(2028, 1, 10, 10, 30, tzinfo=UTC)  # a Monday
NAME = "Fern Tea Club"
FAILED = f"Your payment to {NAME} didn't go through"
NEEDS_YOU = f"Your payment to {NAME} needs a moment of yours"
ONE_MORE_STEP = f"One more step for your payment to {NAME}"
ANOTHER_CARD = f"Please use another card for {NAME}"
ADD_A_CARD = f"Please add another card for {NAME}"
LAST = f"Last reminder: $49.00 for {NAME}"
REMINDER = f"A reminder: $49.00 for {NAME} is still open"


class Scene(OneClock):
    """The days of one merchant, and of others who come along."""

    key = KEY

    def __init__(self, stripe: LocalStripe, set_clock: Any) -> None:
        super().__init__(stripe, set_clock, begin=BEGIN)
        self.merchant = self.opens(NAME, KEY)

    def opens(self, name: str, key: str) -> Merchant:
        made = make_merchant(name)
        merchants.connect(merchant=made, api_key=key, now=self.now)
        return made

    def fails(self, reason: str = "generic_decline", **about: Any) -> RecoveryCase:
        """A renewal is declined, and everything that follows at once has happened; its case."""
        told = {"email": "jo@example.com", "name": "Jo", "key": KEY, "interval": "year"}
        made = self.stripe.scenarios.renewal_fails(reason=reason, **told | about)
        self.settle()
        return RecoveryCase.objects.get(stripe_invoice_id=made["invoice"])

    def is_blocked(self, reason: str) -> RecoveryCase:
        """A renewal that Stripe itself blocks: the bank never hears of it."""
        ids = self.stripe.scenarios.subscriber(
            email="jo@example.com", name="Jo", key=KEY, interval="year"
        )
        blocked = Outcome(decline=Decline(reason, is_blocked_by_radar=True))
        self.at_stripe("payment_method", ids["payment_method"])["_outcome"] = blocked
        return self.renews(ids["subscription"])

    def renews(self, subscription: str) -> RecoveryCase:
        """The next renewal of the same subscription fails too; its case."""
        made = self.stripe.scenarios.renews(subscription=subscription, key=KEY)
        self.settle()
        return RecoveryCase.objects.get(stripe_invoice_id=made["invoice"])

    def subscribes_anew(self, case: RecoveryCase) -> str:
        """The customer takes the same plan once more, which is paid; the subscription's id."""
        assert case.customer
        old = self.at_stripe("subscription", case.stripe_subscription_id)
        made = ask(
            self.stripe, "POST", "subscriptions", customer=case.customer.stripe_customer_id,
            **{"items[0][price]": old["items"]["data"][0]["price"]["id"]},
        )  # fmt: skip
        assert made["status"] == "active"
        return str(made["id"])

    def works_again(self, case: RecoveryCase) -> None:
        """The card is good from now on; Stripe tells nobody of that."""
        self.stripe.scenarios.set_outcome(payment_method=case.payment_method_id)

    def has_new_card(self, case: RecoveryCase, **card: Any) -> str:
        """The customer saves one in Stripe's portal; nothing of that was heard yet."""
        assert case.customer
        made = self.stripe.scenarios.new_card(customer=case.customer.stripe_customer_id, **card)
        return made["payment_method"]

    def live(self, **until: float) -> None:
        """Everything of so many days, hours, …"""
        end = self.now + timedelta(**until)
        while self.now < end:
            self.settle()
            self.move_to(min(end, self.next_due(end)))
        self.settle()

    def day(self, at: datetime | None) -> float:
        assert at
        return round((at - self.began_at) / DAY, 2)

    def mails(self) -> list[tuple[float, str]]:
        """What was sent, and the day since the scene began."""
        sent = DunningMessage.objects.filter(state="sent").order_by("sent_at", "id")
        assert [message.subject for message in sent] == [one.subject for one in mail.outbox]
        return [(self.day(message.sent_at), message.subject) for message in sent]

    def charges(self, case: RecoveryCase, trigger: str = "recover") -> list[float]:
        """The days on which Recover asked Stripe for the case's money."""
        made = PaymentAttempt.objects.filter(case=case, trigger=trigger)
        return [self.day(attempt.attempted_at) for attempt in made.order_by("attempted_at")]

    def asked(self) -> list[Exchange]:
        """Whenever Recover asked Stripe for any money."""
        return asked_to_pay(self.stripe)

    def taken(self, case: RecoveryCase) -> int:
        """How many charges of the debt went through at Stripe."""
        found = self.stripe.world.find("invoice", case.stripe_invoice_id)
        assert found
        realm, invoice = found
        made = [one for one in realm.all("charge") if one["paid"]]
        return sum(one["payment_intent"] == invoice["_payment_intent"] for one in made)

    def at_stripe(self, kind: str, id_: str) -> dict[str, Any]:
        """The object as the local Stripe keeps it."""
        found = self.stripe.world.find(kind, id_)
        assert found
        return found[1]

    def tells_again(self, *, in_reverse: bool = False) -> None:
        """Every event comes once more, and once more under a new id."""
        for told in self._payloads(in_reverse=in_reverse):
            for payload in (told, copy.deepcopy(told) | {"id": f"{told['id']}_again"}):
                answer = post(
                    payload, merchant=self.merchant, secret=signing_secret(self.merchant)
                )
                assert answer.status_code == 200
        process_inbox()
        self.settle()

    def _payloads(self, *, in_reverse: bool) -> list[dict[str, Any]]:
        told = {one.payload["id"]: one.payload for one in self.stripe.deliveries}
        return list(reversed(told.values())) if in_reverse else list(told.values())


def given_to_recover(merchant: Merchant, *days: float, **fields: Any) -> None:
    """The merchant's campaign for soft declines: Recover retries after so many days."""
    steps = [step("retry", timedelta(days=day)) for day in days]
    published(merchant, *steps, retries="recover", **fields)


def link_in(message: Any) -> str:
    """The path of the link in a mail."""
    found = re.search(r"http\S+/update\?token=\S+", str(message.body))
    assert found
    parts = urllib.parse.urlsplit(found.group())
    return f"{parts.path}?{parts.query}"


def words(message: Any) -> str:
    """All that a customer may read of a mail."""
    html = "".join(str(content) for content, _type in message.alternatives)
    read = re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
    return f"{message.subject}\n{message.body}\n{read}"


def status(case: RecoveryCase) -> tuple[str, str]:
    case.refresh_from_db()
    return case.status, case.reason or case.mechanism


def told(case: RecoveryCase, kind: str) -> list[str]:
    """The sentences of that kind on the case's timeline."""
    entries = case.timeline.filter(kind=kind).order_by("at", "id")
    return list(entries.values_list("summary", flat=True))


@pytest.fixture
def scene(
    settings: SettingsWrapper, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    clock = [BEGIN]

    def set_clock(moment: datetime) -> None:
        clock[0] = moment

    monkeypatch.setattr(timezone, "now", lambda: clock[0])
    stripe = LocalStripe(
        frozen_at=int(BEGIN.timestamp()), signing_time=lambda: timezone.now().timestamp()
    )
    with stripe:
        settings.STRIPE_API_BASE, settings.PUBLIC_URL = stripe.url, live_server.url
        yield Scene(stripe, set_clock)
