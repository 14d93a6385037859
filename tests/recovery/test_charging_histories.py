"""Ten thousand random histories, and no rule of a network or of Stripe broken in any."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recovery import charging_rules
from tests.recovery.histories import live
from tests.recovery.network_rules import Charge, violations

HISTORIES = 10_000
pytestmark = pytest.mark.no_cover  # ten times as long, for lines that others run


@pytest.mark.timeout(600)  # ten thousand take a busy machine two minutes
def test_a_scheduler_that_only_asks_breaks_no_rule_in_ten_thousand_histories() -> None:
    decisions: Counter[str] = Counter()
    for seed in range(HISTORIES):
        life = live(Random(seed), steps=8)
        assert life.wrong == [], f"seed {seed}: {life.history}"
        decisions.update(life.decisions)

    # All three answers are given often, so that the silence above means something.
    assert min(decisions.values()) > HISTORIES // 4


@pytest.mark.parametrize("rule", charging_rules.RULES[1:], ids=lambda rule: rule.__name__)
def test_without_any_one_of_the_rules_some_history_breaks_one(
    rule: charging_rules.Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = tuple(one for one in charging_rules.RULES if one is not rule)
    monkeypatch.setattr(charging_rules, "RULES", others)

    assert any(live(Random(seed), steps=8).wrong for seed in range(HISTORIES))


def test_without_the_way_round_stripes_own_retry_some_history_meets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(charging_rules, "_stripes_own_retry", lambda *_: iter(()))

    assert any(live(Random(seed), steps=8).wrong for seed in range(HISTORIES))


@settings(max_examples=200, deadline=None)
@given(random=st.randoms(use_true_random=False), steps=st.integers(1, 25))
def test_no_history_that_can_be_made_smaller_breaks_a_rule(random: Random, steps: int) -> None:
    life = live(random, steps=steps)

    assert life.wrong == []


def test_a_scheduler_that_asks_nobody_breaks_nearly_every_rule() -> None:
    """The second opinion sees what there is to see."""
    seen: set[str] = set()
    for seed in range(300):
        history: list[Charge] = []
        for charge in live(Random(seed), steps=30).history:
            blind = [*violations(history, charge)]
            seen |= {words.partition(":")[0].partition(" after")[0] for words in blind}
            history.append(charge)

    assert {
        "Visa", "Visa category 1", "Visa category 3", "Mastercard", "the 21st in 30 days",
        "charged again", "later is not at once", "charged as it was",
        "an Indian card was retried off-session",
    } <= seen  # fmt: skip
