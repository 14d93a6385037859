"""A customer's way from the mail to Stripe's portal and back."""

import re
from typing import Any

from django.test import Client
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from recovery.models import RecoveryCase
from tests.local_stripe import LocalStripe

PAGE = "/fourthngoal/recover/update"
OVERALL = {
    "back_confirm": "needs_authentication",
    "back_confirm_each": "needs_authentication",
    "back_confirm_by_mail": "needs_authentication",
}
UNAVAILABLE = {"back_unavailable", "checkout_unavailable"}


class Visit:
    """A customer who opens the link, goes to Stripe and comes back."""

    def __init__(self, case: RecoveryCase) -> None:
        self.token = links.create(case=case, now=timezone.now()).partition("token=")[2]
        self.link = PaymentUpdateLink.objects.latest("id")
        self.page = ""
        self.location = ""
        self.overall = ""
        self.outcomes: list[tuple[str, str]] = []

    def read(self) -> str:
        return Client().get(PAGE, {"token": self.token}).content.decode()

    def set_out(self) -> int:
        response = Client().post(PAGE, {"token": self.token})
        self.page = response.content.decode()
        self.location = response.headers.get("Location", "")
        self.retry_after = response.headers.get("Retry-After", "")
        return response.status_code

    def to_invoice(self) -> str:
        """Where the button to the invoice's own page leads."""
        response = Client().post(f"{PAGE}/invoice", {"token": self.token})
        assert response.status_code == 303
        return response.headers["Location"]

    def come_back(self, *, is_done: bool = False) -> str:
        """With `is_done` the way that Stripe leads who saved a card."""
        address = links.return_url(self.link, now=timezone.now(), is_done=is_done)
        return self._read(Client().get(f"{PAGE}/return?{address.partition('?')[2]}"))

    def press(self) -> str:
        """The page's button, with all that is in its form."""
        action = self.page.partition('<form method="post" action="')[2].partition('"')[0]
        inputs = re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', self.page)
        return self._read(Client().post(action, dict(inputs)))

    def _read(self, response: Any) -> str:
        is_known = response.context["page"] not in UNAVAILABLE
        assert response.status_code == (200 if is_known else 503)
        self.page = response.content.decode()
        self.overall = OVERALL.get(response.context["page"], response.context["page"])
        self.overall = self.overall.removeprefix("back_")
        self.again = self.page.partition('name="token" value="')[2].partition('"')[0]
        self.outcomes = [(one["amount"], one["outcome"]) for one in response.context["results"]]
        return self.overall


def stripe_customer(case: RecoveryCase) -> str:
    assert case.customer
    return case.customer.stripe_customer_id


def save_card(local_stripe: LocalStripe, case: RecoveryCase, **card: str) -> str:
    """Saved by the case's customer, by its name."""
    made = local_stripe.scenarios.new_card(customer=stripe_customer(case), **card)
    return made["payment_method"]
