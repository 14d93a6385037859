"""The rules once more, written from their sources and without the product: what a history of
charges must never show. Nothing here is imported from `recovery`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# Visa Core Rules 2026-04-18, ID#0030640, table 7-2
VISA_NEVER = {"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"}
VISA_AFTER_CORRECTION = {"54", "55", "82", "6P", "N7"}
# Mastercard merchant advice codes (TabaPay, Adyen; 02: Solidgate, PayerMax)
MASTERCARD_NEVER = {"03", "21"}
MASTERCARD_WAITS = {
    "02": 72 * HOUR, "24": HOUR, "25": 24 * HOUR, "26": 2 * DAY, "27": 4 * DAY, "28": 6 * DAY,
    "29": 8 * DAY, "30": 10 * DAY,
}  # fmt: skip
# docs.stripe.com/billing/revenue-recovery/smart-retries, and the other hard ones
STRIPE_NEVER = {
    "incorrect_number", "lost_card", "pickup_card", "stolen_card", "revocation_of_authorization",
    "revocation_of_all_authorizations", "transaction_not_allowed", "fraudulent",
}  # fmt: skip
NEEDS_CARDHOLDER = {"authentication_required"}
AFTER_CORRECTION = {"expired_card", "incorrect_cvc"}
TWICE_AT_MOST = {"do_not_honor", "call_issuer"}
UNHEARD_OF = {"never_heard_of", ""}


@dataclass(frozen=True)
class Charge:
    """One line of a history; who: stripe, recover, customer (who had left) or present."""

    at: datetime
    who: str
    debt: int
    method: str
    number: str
    expiry: str
    brand: str
    country: str
    amount: int
    code: str | None = None  # None: not declined, or not known
    advice: str = ""
    network_advice: str = ""
    network_code: str = ""
    block: str = ""


def violations(history: list[Charge], new: Charge) -> Iterator[str]:
    """What is wrong with making the charge `new` after all of `history`."""
    of_number = [one for one in history if one.number == new.number]
    yield from _budgets(of_number, new)
    of_card = [one for one in of_number if one.method != new.method or one.expiry == new.expiry]
    yield from _never(of_card)
    yield from _too_early(of_card, new)
    yield from _uncorrected(history, new)
    if new.who != "present":
        yield from _without_cardholder([one for one in of_card if one.debt == new.debt], new)
    if new.who == "recover":
        yield from _too_often([one for one in of_card if one.debt == new.debt], new)


def _budgets(of_number: list[Charge], new: Charge) -> Iterator[str]:
    within = {days: [one for one in of_number if one.at > new.at - days * DAY] for days in (1, 30)}
    same_amount = [one for one in within[30] if one.amount == new.amount]
    if new.brand == "visa" and len(same_amount) >= 15:
        yield "Visa: the 16th in 30 days"
    if new.brand == "mastercard" and len(within[1]) >= 10:
        yield "Mastercard: the 11th in 24 hours"
    if new.brand == "mastercard" and len(same_amount) >= 35:
        yield "Mastercard: the 36th in 30 days"
    if new.brand not in {"visa", "mastercard"} and len(within[30]) >= 20:
        yield "the 21st in 30 days"


def _never(of_card: list[Charge]) -> Iterator[str]:
    for one in of_card:
        if one.code in STRIPE_NEVER or one.advice == "do_not_try_again" or one.block:
            yield f"charged again after {one.code} {one.advice} {one.block}"
        if one.brand == "visa" and one.network_code in VISA_NEVER:
            yield f"Visa category 1: {one.network_code}"
        if one.brand == "mastercard" and one.network_advice in MASTERCARD_NEVER:
            yield f"Mastercard: never after {one.network_advice}"


def _too_early(of_card: list[Charge], new: Charge) -> Iterator[str]:
    for one in of_card:
        wait = MASTERCARD_WAITS.get(one.network_advice) if one.brand == "mastercard" else None
        if wait and new.at < one.at + wait:
            yield f"Mastercard {one.network_advice}: charged {new.at - one.at} later"
        is_later = "try_again_later" in {one.advice, one.code}
        if is_later and new.who != "present" and new.at < one.at + HOUR:
            yield "later is not at once"


def _uncorrected(history: list[Charge], new: Charge) -> Iterator[str]:
    """The last time that this very card was tried, its data were found wrong."""
    same = (new.method, new.number, new.expiry)
    tried = [one for one in history if (one.method, one.number, one.expiry) == same]
    declined = [one for one in tried if one.code is not None]
    if not declined:
        return
    last = declined[-1]
    if last.brand == "visa" and last.network_code in VISA_AFTER_CORRECTION:
        yield f"Visa category 3: {last.network_code}"
    speaks = last.advice == "" and not (last.brand == "mastercard" and last.network_advice)
    if last.code in AFTER_CORRECTION and speaks:
        yield f"charged as it was after {last.code}"


def _without_cardholder(on_debt: list[Charge], new: Charge) -> Iterator[str]:
    if any(one.code in NEEDS_CARDHOLDER for one in on_debt):
        yield "blind after authentication_required"
    if new.country == "IN" and (on_debt or new.who == "recover"):
        yield "an Indian card was retried off-session"


def _too_often(on_debt: list[Charge], new: Charge) -> Iterator[str]:
    bare = [one for one in on_debt if one.code is not None and not one.advice]
    bare = [one for one in bare if not (one.brand == "mastercard" and one.network_advice)]
    if sum(one.code in UNHEARD_OF for one in bare) >= 2:
        yield "a third attempt after an unknown code"
    declined = [one for one in on_debt if one.code is not None]
    if not declined or declined[-1] not in bare or declined[-1].code not in TWICE_AT_MOST:
        return
    if sum(one.who == "recover" for one in on_debt) >= 2:
        yield f"a third retry after {declined[-1].code}"
    if new.at < on_debt[-1].at + DAY:
        yield f"retried within a day after {declined[-1].code}"
