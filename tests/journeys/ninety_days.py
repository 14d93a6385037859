"""A hundred customers whose renewals fail, ninety days of them, on the local Stripe's clock.

Half of them owe a merchant who leaves the retries to Stripe, half one who gave them to Recover.
The days hold a 29th of February and both changes to summer time.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dunning import campaigns
from dunning.models import DunningMessage
from dunning.planning import where_of
from dunning.plans import plan_files
from dunning.plans.campaign_facts import EndAction
from recovery import merchants
from recovery.models import (
    Customer,
    Merchant,
    OperatorTask,
    PaymentAttempt,
    RecoveryCase,
)
from tests.builders import make_merchant
from tests.connected import ask
from tests.journeys.one_clock import OneClock
from tests.local_stripe import LocalStripe, cards
from tests.local_stripe.cards import Card

BEGIN = datetime(2028, 1, 10, 10, 30, tzinfo=UTC)
DAYS = 90
HOW_MANY = 100
RETRIED_BY_RECOVER = Path(campaigns.__file__).parent / "data" / "recover_retries.toml"

REASONS = (
    "insufficient_funds", "expired_card", "generic_decline", "lost_card", "do_not_honor",
    "authentication_required", "processing_error", "stolen_card", "card_velocity_exceeded",
    "incorrect_cvc", "insufficient_funds", "fraudulent", "issuer_not_available",
    "card_not_supported", "try_again_later", "transaction_not_allowed", "call_issuer",
    "withdrawal_count_limit_exceeded", "invalid_account", "a_code_nobody_knows",
)  # fmt: skip
# Country, state and languages, as the customers' addresses at Stripe have them.
PLACES = (
    ("US", "NY", "en"), ("DE", "", "de"), ("JP", "", "ja"), ("FR", "", "fr"),
    ("BR", "SP", "pt-BR"),
    ("US", "CA", "es,en"), ("NL", "", "nl"), ("IT", "", "it"), ("AU", "NSW", "en-AU"),
    ("ES", "", "es"), ("IN", "", "en"), ("", "", ""),
)  # fmt: skip


@dataclass
class Story:
    """One customer: why the payment fails, and what happens on which day."""

    number: int
    reason: str
    country: str
    state: str
    languages: str
    fate: "Fate"
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def creditor(self) -> int:
        """Every reason is met at both merchants."""
        return (self.number + self.number // len(REASONS)) % 2

    def __str__(self) -> str:
        where = "-".join(filter(None, [self.country, self.state])) or "somewhere"
        return f"{self.number:02d}  {self.reason}, {where}: {self.fate.words}"


def card_of(story: Story, day: int) -> Card:
    """A card that nobody else has: the networks count what each card is asked for."""
    if story.number % 3 == 0:
        return Card(f"52000000{story.number:04d}{day:04d}", "mastercard")
    return Card(f"40000000{story.number:04d}{day:04d}", "visa")


@dataclass(frozen=True)
class Fate:
    words: str
    days: tuple[int, ...] = ()
    happens: Callable[["World", Story, int], object] = lambda *_: None


def _money(world: "World", story: Story, _day: int) -> None:
    world.stripe.scenarios.set_outcome(payment_method=story.ids["payment_method"])


def _new_card(world: "World", story: Story, day: int) -> None:
    world.stripe.scenarios.new_card(customer=story.ids["customer"], card=card_of(story, day))


def _two_cards(world: "World", story: Story, day: int) -> None:
    outcome = cards.declines("insufficient_funds") if day == 4 else cards.APPROVED
    card = replace(card_of(story, day), outcome=outcome)
    world.stripe.scenarios.new_card(customer=story.ids["customer"], card=card)


def _pays(world: "World", story: Story, _day: int) -> None:
    world.stripe.scenarios.pay(invoice=story.ids["invoice"])


def _cancels(world: "World", story: Story, _day: int) -> None:
    world.stripe.scenarios.cancel(subscription=story.ids["subscription"])


def _is_voided(world: "World", story: Story, _day: int) -> None:
    world.stripe.scenarios.void(invoice=story.ids["invoice"])


def _owes_more(world: "World", story: Story, _day: int) -> None:
    key = world.keys[story.creditor]
    world.stripe.scenarios.renews(subscription=story.ids["subscription"], key=key)


FATES = (
    Fate("nothing changes"),
    Fate("the card works again from day 2", (2,), _money),
    Fate("a new card on day 6", (6,), _new_card),
    Fate("nothing changes"),
    Fate("pays on Stripe's page on day 3", (3,), _pays),
    Fate("the card works again from day 9", (9,), _money),
    Fate("a card without money on day 4, one with on day 12", (4, 12), _two_cards),
    Fate("cancels on day 5", (5,), _cancels),
    Fate("another invoice fails on day 7", (7,), _owes_more),
    Fate("the invoice is voided on day 2", (2,), _is_voided),
    Fate("the card works again from day 20", (20,), _money),
)


def stories() -> list[Story]:
    return [
        Story(number, REASONS[number % len(REASONS)], *PLACES[number % len(PLACES)],
              fate=FATES[number % len(FATES)])
        for number in range(HOW_MANY)
    ]  # fmt: skip


class World(OneClock):
    """Both merchants, their customers and what happens to these."""

    keys = ("rk_test_stripe", "rk_test_recover")

    def __init__(self, stripe: LocalStripe, set_clock: Callable[[datetime], None]) -> None:
        super().__init__(stripe, set_clock, begin=BEGIN)
        self.merchants = [self._merchant(name, key) for name, key in zip(
            ("Left to Stripe", "Given to Recover"), self.keys, strict=True)]  # fmt: skip
        plan = plan_files.read(RETRIED_BY_RECOVER.read_text())
        campaign = campaigns.create(
            merchant=self.merchants[1], name=plan.name, steps=plan.steps, retries=plan.retries,
            conditions=plan.conditions, end_action=EndAction.MARK_LOST,
        )  # fmt: skip
        campaigns.publish(campaign, now=self.now)
        self.stories = stories()

    def _merchant(self, name: str, key: str) -> Merchant:
        made = make_merchant(name, time_zone="Europe/London")
        Merchant.objects.filter(pk=made.pk).update(
            send_from_hour=9, send_until_hour=18, send_weekdays="12345"
        )
        merchants.connect(merchant=made, api_key=key, now=self.now)
        return made

    def live(self) -> None:
        """All ninety days."""
        for story in self.stories:
            self._fail(story)
        happenings = sorted(
            (BEGIN + timedelta(days=day), story.number, day)
            for story in self.stories
            for day in story.fate.days
        )
        end = BEGIN + timedelta(days=DAYS)
        while self.now < end:
            self.settle()
            self.move_to(min(end, self.next_due(happenings[0][0] if happenings else None)))
            while happenings and happenings[0][0] <= self.now:
                _at, number, day = happenings.pop(0)
                self.stories[number].fate.happens(self, self.stories[number], day)

    def _fail(self, story: Story) -> None:
        key = self.keys[story.creditor]
        scenarios = self.stripe.scenarios
        story.ids = scenarios.subscriber(
            email=f"{story.number}@example.com", name=f"Customer {story.number}", key=key,
            interval="year", card=card_of(story, 0),
        )  # fmt: skip
        self._describe(story, key)
        scenarios.set_outcome(payment_method=story.ids["payment_method"], reason=story.reason)
        story.ids |= scenarios.renews(subscription=story.ids["subscription"], key=key)

    def _describe(self, story: Story, key: str) -> None:
        facts = {"address[country]": story.country, "address[state]": story.state}
        facts |= {
            f"preferred_locales[{place}]": language
            for place, language in enumerate(filter(None, story.languages.split(",")))
        }
        form = {name: value for name, value in facts.items() if value}
        if form:
            ask(self.stripe, "POST", f"customers/{story.ids['customer']}", key=key, **form)


# --- the calendar -----------------------------------------------------------------------------


def calendar(world: World) -> str:
    """Every message and every charge of every customer, in the customer's own time."""
    return "\n".join(itertools.chain.from_iterable(_of(world, story) for story in world.stories))


def _of(world: World, story: Story) -> Iterator[str]:
    merchant = world.merchants[story.creditor]
    customer = Customer.objects.of(merchant).get(stripe_customer_id=story.ids["customer"])
    yield f"{story} ({merchant.name})"
    numbered = {case.pk: n for n, case in enumerate(customer.cases.order_by("id"), start=1)}
    lines: list[tuple[datetime, int, str]] = []
    for case in customer.cases.order_by("id"):
        lines += [(at, rank, text) for at, rank, text in _lines(case, numbered)]
    zone = where_of(customer.cases.select_related("merchant", "customer").earliest("id")).zone
    for at, _rank, text in sorted(lines):
        day = (at - BEGIN).days
        yield f"    day {day:>2}  {at.astimezone(zone):%a %d %b %H:%M}  {text}"
    yield ""


def _lines(case: RecoveryCase, numbered: dict[int, int]) -> Iterator[tuple[datetime, int, str]]:
    number = f"#{numbered[case.pk]}" if len(numbered) > 1 else ""
    for attempt in PaymentAttempt.objects.filter(case=case):
        who = {"stripe": "Stripe charges", "recover": "Recover charges"}.get(
            attempt.trigger, "the new card is charged"
        )
        became = attempt.decline_code or attempt.error or attempt.state
        yield attempt.attempted_at, 1, f"{who} {number}: {became}".replace(" :", ":")
    for message in DunningMessage.objects.filter(case=case, state="sent"):
        told = sorted(numbered[other.pk] for other in message.also_about.all())
        of = f" about {number}" + "".join(f" and #{one}" for one in told) if number else ""
        assert message.sent_at
        yield message.sent_at, 2, f"mail{of} ({message.language}): {message.subject}"
    for task in OperatorTask.objects.filter(case=case):
        yield task.created_at, 3, f"for a person {number}: {task.summary}".replace(" :", ":")
    if case.closed_at:
        how = case.mechanism if case.status == "recovered" else case.reason
        yield case.closed_at, 4, f"{case.status} {number} ({how})".replace("  ", " ")
