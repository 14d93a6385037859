"""Which of a merchant's campaigns takes a case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from dunning.plans.campaign_facts import CampaignFacts
from dunning.plans.conditions import CaseFacts, ConditionError, Verdict, meets, parse

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Contender(Generic[Key]):
    """A campaign that may take a case; `key` is how the caller finds it again."""

    key: Key
    version: int
    facts: CampaignFacts


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A campaign that was not taken, and why not."""

    campaign: str
    version: int
    priority: int
    why_not: str


@dataclass(frozen=True, slots=True)
class Taken(Generic[Key]):
    """The campaign that takes a case, by which rule, from which facts of the case, and instead
    of which others."""

    contender: Contender[Key]
    rule: str
    looked_at: Mapping[str, Any]
    passed_over: tuple[PassedOver, ...]


def pick(
    contenders: Sequence[Contender[Key]], *, default: Contender[Key], case: CaseFacts
) -> Taken[Key]:
    """The contender of the highest priority whose conditions the case meets, of equals the one
    that stands first; `default` where there is none.

    Defaults among the contenders are no alternatives: each takes only what is left to it.
    """
    rivals = [one for one in contenders if not one.facts.is_default]
    ranked = sorted(rivals, key=lambda one: -one.facts.priority)
    verdicts = [(one, _verdict(one.facts, case)) for one in ranked]
    first = next(((one, verdict) for one, verdict in verdicts if verdict.is_met), None)
    taken = first[0] if first else default
    passed_over = tuple(
        _passed_over(one, verdict, taken=taken) for one, verdict in verdicts if one is not taken
    )
    if first:
        return Taken(taken, f"it meets {taken.facts.name}: {first[1].why}", first[1].facts,
                     passed_over)  # fmt: skip
    rule = f"default for {default.facts.default_for.replace('_', ' ')} declines"
    looked_at = MappingProxyType({"decline_type": case.decline_type})
    return Taken(default, rule, looked_at, passed_over)


def _verdict(facts: CampaignFacts, case: CaseFacts) -> Verdict:
    """Conditions that can't be read (another version of Recover wrote them) take no case."""
    try:
        return meets(parse(facts.conditions), case)
    except ConditionError as error:
        return Verdict(is_met=False, why=f"its conditions can't be read: {error}", facts={})


def _passed_over(one: Contender[Key], verdict: Verdict, *, taken: Contender[Key]) -> PassedOver:
    why_not = verdict.why
    if verdict.is_met:
        same = one.facts.priority == taken.facts.priority
        why_not = f"{taken.facts.name} {'is older' if same else 'has a higher priority'}"
    return PassedOver(one.facts.name, one.version, one.facts.priority, why_not)
