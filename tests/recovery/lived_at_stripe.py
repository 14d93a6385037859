"""What merchants and customers do at Stripe by themselves: random, and the same every time."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlencode

from recovery.endpoints import EVENTS
from tests.local_stripe import LocalStripe
from tests.local_stripe.errors import ApiError
from tests.local_stripe.events import payload
from tests.local_stripe.exchange import Request
from tests.recovery.stories import VERSION

REASONS = ("insufficient_funds", "expired_card", "do_not_honor", "lost_card", "processing_error")
MINUTES = 60
Ids = dict[str, str]


@dataclass
class Shop:
    """One Stripe account's business."""

    local_stripe: LocalStripe
    key: str
    random: Random
    renewals: list[Ids] = field(default_factory=list)
    payments: list[Ids] = field(default_factory=list)
    told: set[str] = field(default_factory=set)

    def live(self, *, since: int, deeds: int) -> list[dict[str, Any]]:
        """Do something every two minutes; the events that tell of it, oldest first."""
        for number in range(deeds):
            moment = self.local_stripe.world.time.pinned_at(since + number * 2 * MINUTES)
            with suppress(ApiError), moment:  # what is paid can't be voided
                self.random.choice(DEEDS)(self)
        return list(self._news(since=since))

    def ask(self, path: str, **form: Any) -> None:
        """A POST by the merchant itself, answered or refused at the moment that it is there."""
        headers = {"authorization": f"Bearer {self.key}"}
        request = Request("POST", f"/v1/{path}", "", urlencode(form), headers)
        reply, _exchange = self.local_stripe._api.answer(request)
        assert reply.status in {200, 400, 402}, reply.body

    def renewal(self) -> Ids:
        """One of the latest: much happens to few."""
        if not self.renewals:
            _renewal_fails(self)
        return self.random.choice(self.renewals[-3:])

    def payment(self) -> Ids:
        if not self.payments:
            _payment_fails(self)
        return self.random.choice(self.payments[-3:])

    def _news(self, *, since: int) -> Any:
        for event in self.local_stripe.world.realm_of(self.key).all("event"):
            is_new = event["created"] >= since and event["id"] not in self.told
            if is_new and event["type"] in EVENTS:
                self.told.add(event["id"])
                yield payload(event, VERSION)


def _renewal_fails(shop: Shop) -> None:
    shop.renewals.append(
        shop.local_stripe.scenarios.renewal_fails(
            reason=shop.random.choice(REASONS), key=shop.key,
            email=f"jo{len(shop.renewals)}@example.com",
        )
    )  # fmt: skip


def _payment_fails(shop: Shop) -> None:
    shop.payments.append(
        shop.local_stripe.scenarios.one_time_fails(
            reason=shop.random.choice(REASONS), key=shop.key,
            with_customer=shop.random.random() < 0.5,
        )
    )  # fmt: skip


def _saves_a_card(shop: Shop) -> None:
    shop.local_stripe.scenarios.new_card(customer=shop.renewal()["customer"])


def _pays_an_invoice(shop: Shop) -> None:
    shop.local_stripe.scenarios.pay(invoice=shop.renewal()["invoice"])


def _pays_an_order(shop: Shop) -> None:
    payment = shop.payment()
    shop.local_stripe.scenarios.set_outcome(payment_method=payment["payment_method"])
    intent, method = payment["payment_intent"], payment["payment_method"]
    shop.ask(f"payment_intents/{intent}/confirm", payment_method=method)


def _refunds_an_invoice(shop: Shop) -> None:
    shop.ask("refunds", payment_intent=shop.renewal()["payment_intent"])


def _refunds_a_part(shop: Shop) -> None:
    shop.ask("refunds", payment_intent=shop.payment()["payment_intent"], amount=500)


def _is_retried(shop: Shop) -> None:
    shop.local_stripe.scenarios.retry(invoice=shop.renewal()["invoice"])


def _ends_a_subscription(shop: Shop) -> None:
    shop.local_stripe.scenarios.cancel(subscription=shop.renewal()["subscription"])


DEEDS: tuple[Callable[[Shop], None], ...] = (
    _renewal_fails,
    _renewal_fails,
    _payment_fails,
    _saves_a_card,
    _pays_an_invoice,
    _pays_an_order,
    _refunds_an_invoice,
    _refunds_a_part,
    _is_retried,
    _ends_a_subscription,
    lambda shop: shop.ask(f"payment_intents/{shop.payment()['payment_intent']}/cancel"),
    lambda shop: shop.ask(f"invoices/{shop.renewal()['invoice']}/mark_uncollectible"),
    lambda shop: shop.ask(f"invoices/{shop.renewal()['invoice']}/void"),
)
