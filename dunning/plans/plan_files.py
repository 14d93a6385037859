"""A campaign as a TOML file: what is exported can be edited, kept with the code and read again."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from dunning.plans import durations
from dunning.plans.campaign_facts import CampaignFacts, EndAction, StepFacts
from dunning.timing.schedule import Channel, DelayFrom
from recovery.charging_rules import RetryDriver

NAMES = ("name", "priority", "retries", "end_action", "conditions", "steps")
STEP_NAMES = ("delay", "delay_from", "channel", "template", "conditions")
Member = TypeVar("Member", bound=StrEnum)


class PlanFileError(ValueError):
    """The file can't be read as a campaign; the text says in one sentence why."""


# --- reading ----------------------------------------------------------------------------------


def read(text: str) -> CampaignFacts:
    """What the file says; what it leaves out is as in a new campaign. Raises PlanFileError.

    Whether such a campaign can be used is not looked at.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanFileError(f"That is no TOML: {error}.") from error
    if _has_nul(told):
        raise PlanFileError("A text contains a NUL character, which nothing here can.")
    _refuse_unknown(told, NAMES, "")
    steps = told.get("steps", [])
    if not isinstance(steps, list):
        raise PlanFileError("steps: write each of them under [[steps]].")
    return CampaignFacts(
        name=_text(told, "name", ""),
        priority=_priority(told.get("priority", 0)),
        retries=_member(told, "retries", RetryDriver.STRIPE, ""),
        end_action=_member(told, "end_action", EndAction.LEAVE_OPEN, ""),
        conditions=_table(told, ""),
        steps=tuple(_step(step, f"Step {n}: ") for n, step in enumerate(steps, start=1)),
    )


def _step(told: object, where: str) -> StepFacts:
    if not isinstance(told, Mapping):
        raise PlanFileError(f"{where}write it under [[steps]].")
    _refuse_unknown(told, STEP_NAMES, where)
    return StepFacts(
        delay=_delay(told.get("delay"), where),
        channel=_member(told, "channel", Channel.EMAIL, where),
        template=_text(told, "template", where),
        delay_from=_member(told, "delay_from", DelayFrom.FAILURE, where),
        conditions=_table(told, where),
    )


def _has_nul(value: object) -> bool:
    """PostgreSQL takes none in a text."""
    if isinstance(value, Mapping):
        return any(_has_nul(one) for pair in value.items() for one in pair)
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


def _refuse_unknown(told: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in told:
        if name not in names:
            raise PlanFileError(f"{where}there is no {name!r}, only {', '.join(names)}.")


def _text(told: Mapping[str, Any], name: str, where: str) -> str:
    value = told.get(name, "")
    if not isinstance(value, str):
        raise PlanFileError(f"{where}{name} must be a text.")
    return value


def _priority(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PlanFileError("priority must be a whole number.")
    return value


def _member(told: Mapping[str, Any], name: str, default: Member, where: str) -> Member:
    members = list(type(default))
    value = told.get(name, default)
    if value not in members:
        raise PlanFileError(f"{where}{name} is {value!r}; it can be {', '.join(members)}.")
    return type(default)(value)


def _table(told: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    value = told.get("conditions", {})
    if not isinstance(value, Mapping):
        raise PlanFileError(f"{where}conditions must be a table.")
    return value


def _delay(value: object, where: str) -> timedelta:
    if not isinstance(value, str):
        raise PlanFileError(f'{where}delay must be a text like "3 days", or "0".')
    try:
        return durations.parse(value)
    except durations.DurationError as error:
        raise PlanFileError(f"{where}delay: {error}") from error


# --- writing ----------------------------------------------------------------------------------


def write(facts: CampaignFacts) -> str:
    """The file that read() reads as the same campaign, but for whose default it is."""
    return "\n".join(_lines(facts)) + "\n"


def _lines(facts: CampaignFacts) -> Iterator[str]:
    yield f"name = {_value(facts.name)}"
    yield f"priority = {facts.priority}"
    yield f"retries = {_value(facts.retries)}"
    yield f"end_action = {_value(facts.end_action)}"
    yield from _conditions("conditions", facts.conditions)
    for step in facts.steps:
        yield from _step_lines(step)


def _step_lines(step: StepFacts) -> Iterator[str]:
    yield ""
    yield "[[steps]]"
    yield f"delay = {_value(durations.in_words(step.delay))}"
    if step.delay_from is not DelayFrom.FAILURE:
        yield f"delay_from = {_value(step.delay_from)}"
    yield f"channel = {_value(step.channel)}"
    if step.template:
        yield f"template = {_value(step.template)}"
    yield from _conditions("steps.conditions", step.conditions)


def _conditions(table: str, conditions: Mapping[str, Any]) -> Iterator[str]:
    tables = {name: value for name, value in conditions.items() if isinstance(value, Mapping)}
    if conditions:
        yield ""
        yield f"[{table}]"
    for name, value in conditions.items():
        if name not in tables:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in tables.items():
        yield ""
        yield f"[{table}.{_key(name)}]"
        for key, entry in value.items():
            yield f"{_key(key)} = {_value(entry)}"


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if is_bare else _value(name)


def _value(value: object) -> str:
    """JSON's texts, numbers and lists are TOML's too, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
