"""A campaign as a calendar: what it does on which day to a customer who is made up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import Locale
from django import forms
from django.utils import timezone

from billing_portal import links
from dunning import planning
from dunning.plans.campaign_facts import CampaignFacts
from dunning.plans.conditions import CaseFacts, Kind
from dunning.plans.forecast import Forecast, Foreseen, forecast
from dunning.plans.replay import PastCase
from dunning.timing.schedule import Channel, Where
from dunning.timing.time_zones import ZONES
from recover_project.back_office.campaigns.plans import ENDS
from recovery.declines import DeclineType
from recovery.models import Merchant

AMOUNT = 4900  # minor units, as in the samples of the messages
DAY, WEEK = timedelta(days=1), timedelta(days=7)
WHY: Mapping[str, tuple[str, DeclineType]] = MappingProxyType(
    {
        "generic_decline": ("Soft: declined without a reason", DeclineType.SOFT),
        "insufficient_funds": ("Soft: too little money, waits for payday", DeclineType.SOFT),
        "expired_card": ("Hard: the card has expired", DeclineType.HARD),
        "authentication_required": ("Action required: the bank asks", DeclineType.ACTION_REQUIRED),
    }
)
OF_TYPE: Mapping[str, str] = MappingProxyType(
    {
        DeclineType.SOFT: "generic_decline",
        DeclineType.HARD: "expired_card",
        DeclineType.ACTION_REQUIRED: "authentication_required",
    }
)
CHANNELS: Mapping[Channel, tuple[str, str]] = MappingProxyType(
    {
        Channel.EMAIL: ("mail", "E-mail"),
        Channel.RETRY: ("credit_card", "Charge"),
        Channel.WEBHOOK: ("webhook", "Webhook"),
        Channel.TASK: ("task_alt", "Task"),
    }
)
AS_THE_MERCHANT = ""
WHEN = "%Y-%m-%dT%H:%M"


@lru_cache
def places() -> tuple[tuple[str, str], ...]:
    """Each country with each of its time zones: `US America/Chicago`, and how it is read."""
    names = Locale("en").territories
    found = {
        (f"{country} {zone}", f"{names.get(country, country)} ({zone.replace('_', ' ')})")
        for (country, _state), zone in ZONES.items()
    }
    return tuple(sorted(found, key=lambda place: place[1]))


YEARS = range(2000, 2100)  # in which payments fail that anybody asks about


class SampleForm(forms.Form):
    """What isn't said is as usual: it failed just now, where the merchant is."""

    failed_at = forms.DateTimeField(
        label="It failed on",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=WHEN),
    )
    why = forms.ChoiceField(
        label="Because", choices=[(code, label) for code, (label, _type) in WHY.items()]
    )
    place = forms.ChoiceField(
        label="The customer is in", required=False,
        choices=lambda: [(AS_THE_MERCHANT, "An unknown place: your own time zone"), *places()],
    )  # fmt: skip

    def __init__(self, told: Mapping[str, Any], *, default_for: str, now: datetime) -> None:
        usual = {
            "failed_at": timezone.localtime(now).strftime(WHEN),
            "why": OF_TYPE.get(default_for, "generic_decline"),
            "place": AS_THE_MERCHANT,
        }
        super().__init__({name: told.get(name) or value for name, value in usual.items()})

    def clean_failed_at(self) -> datetime:
        at: datetime = self.cleaned_data["failed_at"]
        if at.year not in YEARS:
            raise forms.ValidationError(f"A year from {YEARS[0]} to {YEARS[-1]}.")
        return at


@dataclass(frozen=True)
class Entry:
    """One step on its day, in the customer's time."""

    foreseen: Foreseen
    at: datetime

    @property
    def icon(self) -> str:
        return CHANNELS[self.foreseen.step.channel][0]

    @property
    def channel(self) -> str:
        return CHANNELS[self.foreseen.step.channel][1]

    @property
    def called(self) -> str:
        return self.foreseen.step.template.replace("_", " ")

    @property
    def moves(self) -> list[str]:
        return [move.rule for move in self.foreseen.moves]


@dataclass(frozen=True)
class Day:
    """`number` counts from the failure: 0 is its own day."""

    on: date
    number: int
    entries: tuple[Entry, ...]
    is_end: bool


@dataclass(frozen=True)
class Week:
    """Its days; or how many weeks together have nothing in them."""

    days: tuple[Day, ...] = ()
    empty: int = 0


def context(
    facts: CampaignFacts, *, merchant: Merchant, told: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """What the calendar's template shows; the form's faults and no weeks where the sample can't
    be understood."""
    form = SampleForm(told, default_for=facts.default_for, now=now)
    if not form.is_valid():
        return {"sample": form, "weeks": []}
    case = _case(form.cleaned_data, merchant)
    seen = forecast(facts, case, last_chance=links.LIFETIME)
    zone = case.where.zone
    return {
        "sample": form,
        "zone": zone.key,
        "weeks": list(_weeks(seen, case)),
        "left_out": [one for one in seen.steps if one.at is None],
        "ends_at": seen.ends_at.astimezone(zone) if seen.ends_at else None,
        "end": ENDS[seen.end],
    }


def _case(sample: Mapping[str, Any], merchant: Merchant) -> PastCase:
    code, failed_at = sample["why"], sample["failed_at"]
    country, _space, zone = sample["place"].partition(" ")
    facts = CaseFacts(
        decline_type=WHY[code][1], decline_code=code, currency=merchant.currency, amount=AMOUNT,
        kind=Kind.SUBSCRIPTION, metadata={},
    )  # fmt: skip
    where = Where(
        zone=ZoneInfo(zone) if zone else merchant.zone, country=country,
        window=planning.window_of(merchant), decline_code=code,
    )  # fmt: skip
    return PastCase("", facts, failed_at, failed_at, failed_at, where)


def _weeks(seen: Forecast, case: PastCase) -> Iterator[Week]:
    """From the Monday before the failure to the end; weeks without anything are counted."""
    zone = case.where.zone
    failed_on = case.failed_at.astimezone(zone).date()
    entries = [Entry(one, one.at.astimezone(zone)) for one in seen.steps if one.at]
    ends_on = seen.ends_at.astimezone(zone).date() if seen.ends_at else failed_on
    monday, empty = failed_on - DAY * failed_on.weekday(), 0
    while monday <= ends_on:
        week = tuple(_days(monday, entries, failed_on, ends_on))
        if monday > failed_on and not any(day.entries or day.is_end for day in week):
            empty += 1
        else:
            if empty:
                yield Week(empty=empty)
            yield Week(days=week)
            empty = 0
        monday += WEEK


def _days(monday: date, entries: list[Entry], failed_on: date, ends_on: date) -> Iterator[Day]:
    for ahead in range(7):
        day = monday + DAY * ahead
        of_day = tuple(entry for entry in entries if entry.at.date() == day)
        yield Day(day, (day - failed_on).days, of_day, is_end=day == ends_on)
