"""What is different between two versions of a campaign, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dunning.plans.campaign_facts import CampaignFacts, StepFacts
from dunning.plans.conditions import in_words, parse
from dunning.plans.durations import in_words as duration_in_words
from dunning.timing.schedule import Channel, DelayFrom

# What is the same costs nothing, and what was changed less than taking it out and another in.
CHANGED, ADDED_OR_REMOVED, ANOTHER = 1.0, 1.5, 4.0
RETRIES = {"stripe": "Stripe's", "recover": "Recover's"}
NONE = "none"


@dataclass(frozen=True, slots=True)
class Difference:
    """`before` is "" for what was added, and `after` for what was removed."""

    subject: str
    before: str
    after: str

    def __str__(self) -> str:
        if self.before and self.after:
            return f"{self.subject}: {self.before} → {self.after}"
        return (
            f"{self.subject}: {'added' if self.after else 'removed'}, {self.after or self.before}"
        )


def compare(old: CampaignFacts, new: CampaignFacts) -> list[Difference]:
    """The differences, those of the campaign before those of its steps, in their new order."""
    return [*_of_campaigns(old, new), *_of_steps(old.steps, new.steps)]


def _of_campaigns(old: CampaignFacts, new: CampaignFacts) -> Iterator[Difference]:
    pairs = (
        ("Name", old.name, new.name),
        ("Priority", str(old.priority), str(new.priority)),
        ("Retries", RETRIES[old.retries], RETRIES[new.retries]),
        ("At the end", _spaced(old.end_action), _spaced(new.end_action)),
    )
    for subject, before, after in pairs:
        if before != after:
            yield Difference(subject, before, after)
    yield from _of_conditions("Condition", old.conditions, new.conditions)


def _spaced(word: str) -> str:
    return word.replace("_", " ")


def _of_conditions(
    subject: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Difference]:
    before, after = in_words(parse(old)), in_words(parse(new))
    for name in sorted({*before, *after}):
        was, becomes = before.get(name, NONE), after.get(name, NONE)
        if was != becomes:
            yield Difference(f"{subject} {_spaced(name)}", was, becomes)


def describe(facts: CampaignFacts) -> list[str]:
    """What a campaign says, a line each."""
    conditions = in_words(parse(facts.conditions))
    cases = "; ".join(f"{_spaced(name)} {words}" for name, words in conditions.items())
    rest = f"{facts.default_for} declines that nothing else takes" if facts.is_default else "all"
    return [
        f"cases: {cases or _spaced(rest)}",
        f"retries: {RETRIES[facts.retries]}",
        *(_line(position, step) for position, step in enumerate(facts.steps, start=1)),
        f"at the end: {_spaced(facts.end_action)}",
    ]


def _line(position: int, step: StepFacts) -> str:
    conditions = in_words(parse(step.conditions))
    only = "; ".join(f"{_spaced(name)} {words}" for name, words in conditions.items())
    return f"{position}. {when(step)}: {what(step)}{f', only {only}' if only else ''}"


# --- steps ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pair:
    """A step as it was and as it becomes, each with its position; None where it isn't."""

    old: tuple[int, StepFacts] | None
    new: tuple[int, StepFacts] | None
    has_moved: bool = False


def _of_steps(old: Sequence[StepFacts], new: Sequence[StepFacts]) -> Iterator[Difference]:
    for pair in _with_moves(_aligned(old, new)):
        yield from _of_pair(pair)


def _with_moves(pairs: Sequence[_Pair]) -> list[_Pair]:
    """What was taken out at one place and put in at another has moved."""
    removed = [pair.old for pair in pairs if pair.old and not pair.new]
    joined = []
    for pair in pairs:
        came = pair.new
        found = [one for one in removed if came and not pair.old and _is_same(one[1], came[1])]
        if found:
            removed.remove(found[0])
            joined.append(_Pair(found[0], came, has_moved=True))
        else:
            joined.append(pair)
    moved = [pair.old for pair in joined if pair.has_moved]
    return [pair for pair in joined if pair.new or pair.old not in moved]


def _is_same(old: StepFacts, new: StepFacts) -> bool:
    return what(old) == what(new) and dict(old.conditions) == dict(new.conditions)


def _of_pair(pair: _Pair) -> Iterator[Difference]:
    if pair.old and pair.new and pair.has_moved:
        (was_at, was), (position, becomes) = pair.old, pair.new
        before, after = f"step {was_at}, {when(was)}", f"step {position}, {when(becomes)}"
        yield Difference(_subject(position, becomes), before, after)
    elif pair.old and pair.new:
        yield from _of_step(pair.old[1], *pair.new)
    elif pair.new:
        yield Difference(_subject(*pair.new), "", when(pair.new[1]))
    else:
        assert pair.old  # noqa: S101 - a pair has at least one side
        yield Difference(_subject(*pair.old), when(pair.old[1]), "")


def _of_step(was: StepFacts, position: int, becomes: StepFacts) -> Iterator[Difference]:
    subject = _subject(position, becomes)
    if what(was) != what(becomes):
        yield Difference(subject, what(was), what(becomes))
    if when(was) != when(becomes):
        yield Difference(subject, when(was), when(becomes))
    yield from _of_conditions(f"{subject}, condition", was.conditions, becomes.conditions)


def _subject(position: int, step: StepFacts) -> str:
    return f"Step {position} ({step.called})"


def what(step: StepFacts) -> str:
    """`e-mail "reminder"`"""
    channel = "e-mail" if step.channel is Channel.EMAIL else str(step.channel)
    return f'{channel} "{step.template}"' if step.template else channel


def when(step: StepFacts) -> str:
    """`3 days after the failure`"""
    since = "the failure" if step.delay_from is DelayFrom.FAILURE else "the step before"
    at_once = step.delay == timedelta(0)
    return (
        f"at once after {since}" if at_once else f"{duration_in_words(step.delay)} after {since}"
    )


def _aligned(old: Sequence[StepFacts], new: Sequence[StepFacts]) -> list[_Pair]:
    """The cheapest way from one list to the other, step by step."""
    best: dict[tuple[int, int], tuple[float, list[_Pair]]] = {}
    for i in range(len(old) + 1):
        for j in range(len(new) + 1):
            best[i, j] = min(_ways_to(i, j, old, new, best), key=lambda way: way[0])
    return best[len(old), len(new)][1]


def _ways_to(
    i: int,
    j: int,
    old: Sequence[StepFacts],
    new: Sequence[StepFacts],
    best: Mapping[tuple[int, int], tuple[float, list[_Pair]]],
) -> Iterator[tuple[float, list[_Pair]]]:
    if not i and not j:
        yield 0, []
    before = (i, old[i - 1]) if i else None
    after = (j, new[j - 1]) if j else None
    if before and after:
        cost, pairs = best[i - 1, j - 1]
        yield cost + _distance(before[1], after[1]), [*pairs, _Pair(before, after)]
    if after:
        cost, pairs = best[i, j - 1]
        yield cost + ADDED_OR_REMOVED, [*pairs, _Pair(None, after)]
    if before:
        cost, pairs = best[i - 1, j]
        yield cost + ADDED_OR_REMOVED, [*pairs, _Pair(before, None)]


def _distance(old: StepFacts, new: StepFacts) -> float:
    if old == new:
        return 0
    if old.channel is not new.channel:
        return ANOTHER
    return CHANGED if old.called == new.called else 2 * CHANGED
