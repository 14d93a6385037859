"""The fields of a campaign and of its steps, and what they say as facts."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from dunning import campaigns
from dunning.plans.campaign_facts import MOST_PRIORITY, CampaignFacts, EndAction, StepFacts
from dunning.plans.conditions import Kind
from dunning.plans.durations import UNITS
from dunning.timing.schedule import Channel, DelayFrom
from recover_project.back_office.campaigns.calendars import CHANNELS
from recover_project.back_office.campaigns.plans import ENDS, RETRIES
from recovery.charging_rules import RetryDriver
from recovery.declines import DeclineType
from recovery.money import decimals, major

SEVERAL = forms.CheckboxSelectMultiple
LARGEST_DELAY = 1_000_000  # of any unit: more than a campaign lasts
LARGEST_AMOUNT = Decimal(10**12)
LISTS = ("decline_types", "decline_codes", "currencies", "kinds")


class ConditionsForm(forms.Form):
    """Which cases something is for. What is left empty fits every case."""

    decline_types = forms.MultipleChoiceField(
        label="Kinds of decline", required=False, widget=SEVERAL,
        choices=[(one.value, one.replace("_", " ").capitalize()) for one in DeclineType],
    )  # fmt: skip
    kinds = forms.MultipleChoiceField(
        label="What is owed", required=False, widget=SEVERAL,
        choices=[(Kind.SUBSCRIPTION, "An invoice"), (Kind.ONE_TIME, "A one-time payment")],
    )  # fmt: skip
    decline_codes = forms.CharField(
        label="Stripe's decline codes", required=False, max_length=2000,
        help_text="With commas between them: insufficient_funds, expired_card",
    )  # fmt: skip
    currencies = forms.CharField(
        label="Currencies", required=False, max_length=2000,
        help_text="As Stripe writes them: usd, eur",
    )  # fmt: skip
    amount_from = forms.DecimalField(
        label="Amount from", required=False, min_value=0, max_value=LARGEST_AMOUNT,
        help_text="49.00; name its currency above.",
    )  # fmt: skip
    amount_to = forms.DecimalField(
        label="Amount up to", required=False, min_value=0, max_value=LARGEST_AMOUNT
    )
    metadata = forms.CharField(
        label="Customer's metadata at Stripe", required=False, max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="A line for each key, with the values that fit: plan = gold, silver",
    )  # fmt: skip

    @property
    def condition_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ConditionsForm.base_fields]

    def clean_amount_from(self) -> Decimal | None:
        return self._amount("amount_from")

    def clean_amount_to(self) -> Decimal | None:
        return self._amount("amount_to")

    def _amount(self, name: str) -> Decimal | None:
        """In minor units of the one currency; where there is none, the plan's own rules say so."""
        amount: Decimal | None = self.cleaned_data.get(name)
        if amount is None:
            return None
        named = _words(self.cleaned_data.get("currencies", ""))
        places = decimals(named[0].lower()) if len(named) == 1 else 2
        minor = amount.scaleb(places)
        if minor != minor.to_integral_value():
            raise forms.ValidationError(f"This currency has {places} decimals.")
        return minor

    def clean_metadata(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for line in self.cleaned_data["metadata"].splitlines():
            key, equals, values = line.partition("=")
            if line.strip() and not (equals and key.strip() and _words(values, by=",")):
                raise forms.ValidationError(f"Write a key, = and its values: not “{line[:60]}”.")
            if line.strip():
                found[key.strip()] = _words(values, by=",")
        return found

    @property
    def conditions(self) -> dict[str, Any]:
        """As dunning/plans/conditions.py reads them; call it of a valid form."""
        told = self.cleaned_data
        lists = {
            "decline_types": told["decline_types"],
            "decline_codes": _words(told["decline_codes"]),
            "currencies": [one.lower() for one in _words(told["currencies"])],
            "kinds": told["kinds"],
        }
        found: dict[str, Any] = {name: value for name, value in lists.items() if value}
        for name in ("amount_from", "amount_to"):
            if told[name] is not None:
                found[name] = int(told[name])
        return found | ({"metadata": told["metadata"]} if told["metadata"] else {})

    def blame(self, field: str, why: str) -> None:
        """What is wrong, beside the field that it is about."""
        self.add_error(self._field_of(field, why), why)

    def _field_of(self, field: str, why: str) -> str | None:
        if field != "conditions":
            return field if field in self.fields else None
        if "decline code" in why:
            return "decline_codes"
        if why.partition(": ")[2].startswith("An amount") or why.startswith("An amount"):
            return "currencies"
        return next((name for name in ConditionsForm.base_fields if name in why), None)


def _words(text: str, by: str = "") -> list[str]:
    parts = text.split(by) if by else text.replace(",", " ").split()
    return [part.strip() for part in parts if part.strip()]


def of_conditions(conditions: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields show of conditions that a version has."""
    shown = {name: conditions.get(name, []) for name in LISTS}
    currency = (conditions.get("currencies") or [""])[0]
    for name in ("amount_from", "amount_to"):
        if (amount := conditions.get(name)) is not None:
            shown[name] = major(amount, currency)
    metadata = conditions.get("metadata", {})
    lines = [f"{key} = {', '.join(values)}" for key, values in metadata.items()]
    codes, currencies = ", ".join(shown["decline_codes"]), ", ".join(shown["currencies"])
    return shown | {
        "decline_codes": codes, "currencies": currencies, "metadata": "\n".join(lines),
    }  # fmt: skip


class SettingsForm(ConditionsForm):
    """What the campaign says but for its steps."""

    name = forms.CharField(required=False)
    priority = forms.IntegerField(
        required=False, min_value=-MOST_PRIORITY, max_value=MOST_PRIORITY,
        help_text="Of several campaigns that fit a case, the highest priority takes it.",
    )  # fmt: skip
    retries = forms.ChoiceField(label="Who asks for the money again", choices=RETRIES.items)
    end_action = forms.ChoiceField(
        label="After the last step",
        choices=[(name, f"{words[0].upper()}{words[1:]}") for name, words in ENDS.items()],
    )

    @classmethod
    def of(cls, facts: CampaignFacts) -> "SettingsForm":
        shown = of_conditions(facts.conditions)
        own = {"name": facts.name, "priority": facts.priority, "retries": facts.retries}
        return cls(initial={**shown, **own, "end_action": facts.end_action})

    def facts(self, steps: tuple[StepFacts, ...], default_for: str) -> CampaignFacts:
        told = self.cleaned_data
        return CampaignFacts(
            name=told["name"].strip(), steps=steps, conditions=self.conditions,
            priority=told["priority"] or 0, retries=RetryDriver(told["retries"]),
            end_action=EndAction(told["end_action"]), default_for=default_for,
        )  # fmt: skip


def _mails() -> list[tuple[str, str]]:
    names = campaigns.template_names()
    return [("", "—"), *((name, name.replace("_", " ").capitalize()) for name in names)]


class StepForm(ConditionsForm):
    amount = forms.IntegerField(label="After", min_value=0, max_value=LARGEST_DELAY)
    unit = forms.ChoiceField(choices=[(name, f"{name}s") for name in UNITS])
    delay_from = forms.ChoiceField(
        label="Counted from",
        choices=[
            (DelayFrom.FAILURE, "the failure"),
            (DelayFrom.PREVIOUS, "the step before"),
        ],
    )
    channel = forms.ChoiceField(
        label="Does what",
        choices=[(channel, label) for channel, (_icon, label) in CHANNELS.items()],
    )
    words = forms.ChoiceField(label="The e-mail's words", required=False, choices=_mails)
    called = forms.CharField(
        label="What it is called", required=False,
        help_text="A webhook: payment_banner. A task: Call them.",
    )  # fmt: skip

    @classmethod
    def of(cls, step: StepFacts, *, prefix: str) -> "StepForm":
        amount, unit = in_one_unit(step)
        is_mail = step.channel is Channel.EMAIL
        shown = of_conditions(step.conditions) | {
            "amount": amount, "unit": unit, "delay_from": step.delay_from,
            "channel": step.channel, "words": step.template if is_mail else "",
            "called": "" if is_mail else step.template,
        }  # fmt: skip
        return cls(initial=shown, prefix=prefix)

    @property
    def facts(self) -> StepFacts:
        told = self.cleaned_data
        channel = Channel(told["channel"])
        said = {Channel.EMAIL: told["words"], Channel.RETRY: ""}
        return StepFacts(
            delay=told["amount"] * UNITS[told["unit"]], channel=channel,
            template=said.get(channel, told["called"]), conditions=self.conditions,
            delay_from=DelayFrom(told["delay_from"]),
        )  # fmt: skip

    def blame(self, field: str, why: str) -> None:
        is_mail = self.cleaned_data.get("channel") == Channel.EMAIL
        told = {"delay": "amount", "template": "words" if is_mail else "called"}
        super().blame(told.get(field, field), why)

    @property
    def has_conditions(self) -> bool:
        return any(field.value() or field.errors for field in self.condition_fields)


def in_one_unit(step: StepFacts) -> tuple[int, str]:
    """36 hours as 36 hours, 48 as 2 days."""
    for name, unit in UNITS.items():
        if not step.delay % unit:
            return step.delay // unit, name
    raise ValueError(f"{step.delay} has no whole seconds")
