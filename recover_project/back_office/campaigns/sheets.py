"""The editor's sheet: a campaign's own fields and those of each step, which can be rearranged.

It works without scripts: adding, removing and moving a step are buttons that send the whole sheet
and get it back rearranged, with nothing saved and nothing lost.
"""

from dataclasses import dataclass

from django.http import QueryDict

from dunning import campaigns
from dunning.plans.campaign_facts import MOST_STEPS, CampaignFacts
from recover_project.back_office.campaigns.forms import SettingsForm, StepForm
from recovery.models import Merchant

COUNT = "steps"
MOST_DIGITS = 3  # of a number of steps
NEW = {
    "amount": "1", "unit": "day", "delay_from": "previous", "channel": "email",
    "words": "reminder",
}  # fmt: skip


@dataclass
class Sheet:
    settings: SettingsForm
    steps: list[StepForm]
    default_for: str

    @classmethod
    def of(cls, facts: CampaignFacts) -> "Sheet":
        steps = [
            StepForm.of(step, prefix=_prefix(number)) for number, step in enumerate(facts.steps)
        ]
        return cls(SettingsForm.of(facts), steps, facts.default_for)

    @classmethod
    def told(cls, data: QueryDict, default_for: str) -> "Sheet":
        steps = [StepForm(data, prefix=_prefix(number)) for number in range(_count(data))]
        return cls(SettingsForm(data), steps, default_for)

    def facts(self, merchant: Merchant) -> CampaignFacts | None:
        """What the sheet says; None if that is no campaign that can be used, and then each field
        says what is wrong with it."""
        if not all([form.is_valid() for form in (self.settings, *self.steps)]):  # noqa: C419 - each is to say what is wrong
            return None
        facts = self.settings.facts(tuple(step.facts for step in self.steps), self.default_for)
        problems = campaigns.problems(facts, merchant=merchant)
        for problem in problems:
            form = self.steps[problem.position - 1] if problem.position else self.settings
            form.blame(problem.field, problem.why)
        return None if problems else facts

    @property
    def faults(self) -> list[tuple[str, str, str]]:
        """(where, what, the field's id) of all that is wrong, for the top of the sheet."""
        forms = [("", self.settings), *((f"Step {number}", form) for number, form in
                                        enumerate(self.steps, start=1))]  # fmt: skip
        return [
            (where, str(why), form[name].id_for_label if name in form.fields else "")
            for where, form in forms
            for name, errors in form.errors.items()
            for why in errors
        ]


def rearranged(data: QueryDict, verb: str, position: int) -> QueryDict:
    """The sheet with a step added at the end, removed, or moved `up` or `down` by one."""
    order: list[int | None] = list(range(_count(data)))
    if verb == "add" and len(order) < MOST_STEPS:
        order.append(None)
    elif 0 <= position < len(order):
        if verb == "remove":
            order.pop(position)
        other = position + {"up": -1, "down": 1}.get(verb, 0)
        if 0 <= other < len(order) and verb in {"up", "down"}:
            order[position], order[other] = order[other], order[position]
    return _in_order(data, order)


def _in_order(data: QueryDict, order: list[int | None]) -> QueryDict:
    made = QueryDict(mutable=True)
    for name in data:
        if not name.startswith("step-"):
            made.setlist(name, data.getlist(name))
    for number, former in enumerate(order):
        if former is None:
            for name, value in NEW.items():
                made[f"{_prefix(number)}-{name}"] = value
            continue
        before = f"{_prefix(former)}-"
        for name in data:
            if name.startswith(before):
                field = f"{_prefix(number)}-{name.removeprefix(before)}"
                made.setlist(field, data.getlist(name))
    made[COUNT] = str(len(order))
    return made


def _prefix(number: int) -> str:
    return f"step-{number}"


def _count(data: QueryDict) -> int:
    told = data.get(COUNT, "")
    is_number = told.isascii() and told.isdigit() and len(told) <= MOST_DIGITS
    return min(int(told), MOST_STEPS + 1) if is_number else 0
