"""Random lives of a few cards and debts, worked by a scheduler that knows no rule but asks."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from recovery.charge_facts import Card, ChargeFacts, PastAttempt, RetryDriver
from recovery.charging_rules import Allowed, Refused, may_charge
from recovery.declines import Decline
from recovery.mechanisms import AttemptTrigger
from recovery.state_machine import Status
from tests.recovery.network_rules import HOUR, Charge, violations

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BRANDS = ("visa", "mastercard", "amex")
AMOUNTS = (4900, 9900)
CODES = (
    "insufficient_funds", "insufficient_funds", "generic_decline", "processing_error",
    "do_not_honor", "call_issuer", "never_heard_of", "", "try_again_later", "expired_card",
    "incorrect_cvc", "authentication_required", "lost_card", "fraudulent",
    "transaction_not_allowed",
)  # fmt: skip
ADVICE = ("", "", "", "try_again_later", "confirm_card_data", "do_not_try_again")
NETWORK_ADVICE = ("", "", "01", "02", "03", "21", "24", "25", "26", "27", "28", "29", "30", "40")
NETWORK_CODES = ("", "", "51", "05", "14", "R1", "54", "N7", "1A")
BLOCKS = ("", "", "", "", "", "", "", "", "highest_risk_level", "rule")
SOFT = ("insufficient_funds", "generic_decline", "processing_error")
WHO = {
    "recover": (AttemptTrigger.RECOVER, False),
    "customer": (AttemptTrigger.CUSTOMER, False),
    "operator": (AttemptTrigger.OPERATOR, False),
    "present": (AttemptTrigger.CUSTOMER, True),
}


@dataclass
class Life:
    """What happened so far, and what `may_charge` let happen that the rules forbid."""

    random: Random
    now: datetime = BEGIN
    cards: list[Card] = field(default_factory=list)
    history: list[Charge] = field(default_factory=list)
    attempts: list[PastAttempt] = field(default_factory=list)
    debts: list[int] = field(default_factory=list)  # of each attempt
    wrong: list[str] = field(default_factory=list)
    decisions: dict[str, int] = field(default_factory=lambda: {"made": 0, "wait": 0, "refused": 0})


def live(random: Random, *, steps: int) -> Life:
    life = Life(random)
    for number in range(random.randint(1, 3)):
        life.cards.append(
            Card(
                f"pm_{number}", f"f{random.randint(0, 1)}{number // 2}", "2030-01",
                random.choice(BRANDS), random.choice(("US", "US", "US", "IN")),
            )
        )  # fmt: skip
    # One number has one brand and one country, however often it is saved.
    for number, card in enumerate(life.cards):
        first = next(one for one in life.cards if one.fingerprint == card.fingerprint)
        life.cards[number] = replace(card, brand=first.brand, country=first.country)
    _busy_past(life)
    for _step in range(steps):
        _step_of(life)
    return life


def _busy_past(life: Life) -> None:
    """Budgets run low only where much was tried: by Stripe, whom no rule of ours binds."""
    card, debt = life.random.choice(life.cards), life.random.randint(0, 1)
    code = life.random.choice(SOFT)
    pause = life.random.choice((timedelta(minutes=50), timedelta(hours=9), timedelta(hours=22)))
    for _each in range(life.random.choice((0, 1, 3, 9, 14, 19, 34))):
        _append(life, "stripe", card, debt, Decline(code, brand=card.brand))
        life.now += pause


def _step_of(life: Life) -> None:
    random = life.random
    life.now += random.choice(
        (timedelta(0), timedelta(minutes=30), HOUR, 5 * HOUR, timedelta(days=1), timedelta(days=3))
    )
    index, debt = random.randrange(len(life.cards)), random.randint(0, 1)
    if random.random() < 0.05:
        renewed = {"expiry": f"20{random.randint(31, 39)}-01"}
        if random.random() < 0.5:
            renewed = {"fingerprint": f"g{random.randint(0, 9)}{life.cards[index].brand}"}
        life.cards[index] = replace(life.cards[index], **renewed)
    card = life.cards[index]
    if random.random() < 0.1:
        _append(life, "stripe", card, debt, _decline(random, card.brand))
        return
    _ask(life, random.choice(tuple(WHO)), card, debt)


def _ask(life: Life, who: str, card: Card, debt: int) -> None:
    """Whoever is told to wait comes back at that very moment, if nothing else happens before."""
    facts = _facts(life, who, card, debt)
    decided = may_charge(facts, now=life.now)
    if isinstance(decided, Refused):
        life.decisions["refused"] += 1
        return
    if decided.from_at > life.now:
        life.decisions["wait"] += 1
        if life.random.random() < 0.5:
            return
        life.now = decided.from_at
        again = may_charge(facts, now=life.now)
        if again != Allowed(life.now):
            life.wrong.append(f"told to come back at {decided}, and then {again}")
            return
    life.decisions["made"] += 1
    _check_stripes_retry(life, facts)
    declined = None if life.random.random() < 0.2 else _decline(life.random, card.brand)
    _append(life, who, card, debt, declined, is_checked=True)


def _facts(life: Life, who: str, card: Card, debt: int) -> ChargeFacts:
    trigger, is_present = WHO[who]
    ahead = life.random.choice((None, None, None, HOUR, timedelta(hours=7)))
    tried = zip(life.attempts, life.debts, strict=True)
    attempts = [replace(one, is_this_debt=of == debt) for one, of in tried]
    return ChargeFacts(
        status=Status.OPEN, is_paused=False, trigger=trigger, is_customer_present=is_present,
        driver=life.random.choice((RetryDriver.RECOVER, RetryDriver.RECOVER, RetryDriver.STRIPE)),
        next_payment_attempt_at=life.now + ahead if ahead else None,
        card=card, amount=AMOUNTS[debt], currency="usd", attempts=tuple(reversed(attempts)),
    )  # fmt: skip


def _check_stripes_retry(life: Life, facts: ChargeFacts) -> None:
    """The two never overlap, and nobody charges a failed card as Stripe is about to."""
    scheduled = facts.next_payment_attempt_at
    if facts.trigger is AttemptTrigger.RECOVER and (
        facts.driver is RetryDriver.STRIPE or (scheduled and scheduled >= life.now)
    ):
        life.wrong.append("two drivers")
    failed = [one for one in facts.attempts if one.decline and one.is_this_debt]
    has_failed = any(one.card == facts.card for one in failed)
    if scheduled and has_failed and timedelta(0) <= scheduled - life.now <= 6 * HOUR:
        life.wrong.append("just before Stripe's own retry")


def _append(
    life: Life, who: str, card: Card, debt: int, decline: Decline | None, *,
    is_checked: bool = False,
) -> None:  # fmt: skip
    told = decline or Decline()
    charge = Charge(
        at=life.now, who=who, debt=debt, method=card.payment_method_id, number=card.fingerprint,
        expiry=card.expiry, brand=card.brand, country=card.country, amount=AMOUNTS[debt],
        code=told.decline_code if decline else None, advice=told.advice_code,
        network_advice=told.network_advice_code, network_code=told.network_decline_code,
        block=told.block_reason,
    )  # fmt: skip
    if is_checked:
        life.wrong.extend(violations(life.history, charge))
    life.history.append(charge)
    trigger = AttemptTrigger.STRIPE if who == "stripe" else WHO[who][0]
    life.debts.append(debt)
    life.attempts.append(
        PastAttempt(life.now, trigger, card, AMOUNTS[debt], "usd", False, decline)
    )


def _decline(random: Random, brand: str) -> Decline:
    return Decline(
        decline_code=random.choice(CODES),
        advice_code=random.choice(ADVICE),
        network_advice_code=random.choice(NETWORK_ADVICE) if brand == "mastercard" else "",
        network_decline_code=random.choice(NETWORK_CODES) if brand == "visa" else "",
        brand=brand,
        block_reason=random.choice(BLOCKS),
    )
