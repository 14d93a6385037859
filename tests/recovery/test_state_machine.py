"""Every pair of status and trigger, and every order of the same triggers."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.state_machine import (
    LADDER,
    LEADS_TO,
    PRECEDENCE,
    TABLE,
    WHY_STAYS,
    Move,
    Status,
    Stay,
    Trigger,
    decide,
)

CLOSING = {
    Status.LOST: {
        "subscription_canceled", "marked_uncollectible", "campaign_ended", "operator_closed",
    },
    Status.RECOVERED: {"invoice_paid", "payment_succeeded"},
    Status.VOIDED: {
        "invoice_voided", "payment_canceled", "paid_while_settling", "nothing_due",
        "belongs_to_invoice", "refunded", "disputed",
    },
}  # fmt: skip
PAIRS = list(itertools.product(Status, Trigger))


def fold(triggers: list[Trigger]) -> tuple[Status, str]:
    status, reason = Status.OPEN, ""
    for trigger in triggers:
        decision = decide(status=status, trigger=trigger, reason=reason)
        if isinstance(decision, Move):
            status, reason = decision.to, decision.reason
    return status, str(reason)


def test_every_trigger_leads_somewhere() -> None:
    assert set(LEADS_TO) == set(Trigger)
    assert set(LEADS_TO.values()) == set(Status)
    for status, triggers in CLOSING.items():
        assert {trigger for trigger, target in LEADS_TO.items() if target is status} == triggers


def test_the_ladder_and_the_explanations_know_every_status() -> None:
    assert LADDER == ("open", "lost", "recovered", "voided")
    assert set(LADDER) == set(WHY_STAYS) == set(Status)
    assert set(PRECEDENCE) == set(Trigger)


def test_every_pair_is_decided() -> None:
    assert set(TABLE) == set(PAIRS)


@pytest.mark.parametrize(("status", "trigger"), PAIRS)
def test_a_case_only_ever_climbs(status: Status, trigger: Trigger) -> None:
    decision = decide(status=status, trigger=trigger)

    if LADDER.index(LEADS_TO[trigger]) > LADDER.index(status):
        assert decision == Move(to=LEADS_TO[trigger], reason=trigger)
    else:
        assert decision == Stay(why=WHY_STAYS[status])


@pytest.mark.parametrize(
    ("status", "trigger", "reason", "expected"),
    [
        ("open", "invoice_paid", "", Move(Status.RECOVERED, Trigger.INVOICE_PAID)),
        ("open", "payment_failed", "", Stay("the case is open already")),
        ("lost", "invoice_paid", "operator_closed", Move(Status.RECOVERED, Trigger.INVOICE_PAID)),
        ("recovered", "operator_closed", "invoice_paid", Stay("the money is already back")),
        ("recovered", "payment_failed", "invoice_paid", Stay("the money is already back")),
        ("recovered", "refunded", "invoice_paid", Move(Status.VOIDED, Trigger.REFUNDED)),
        ("voided", "invoice_paid", "invoice_voided",
         Stay("nothing was owed, so nothing can change that")),
        # the same status: the reason that ranks higher is kept
        ("lost", "operator_closed", "subscription_canceled",
         Stay("the case was given up and stays so until it is paid")),
        ("lost", "subscription_canceled", "operator_closed",
         Move(Status.LOST, Trigger.SUBSCRIPTION_CANCELED)),
        ("recovered", "invoice_paid", "payment_succeeded",
         Move(Status.RECOVERED, Trigger.INVOICE_PAID)),
        ("recovered", "invoice_paid", "invoice_paid", Stay("the money is already back")),
    ],
)  # fmt: skip
def test_what_happens_to_a_case(
    status: str, trigger: str, reason: str, expected: Move | Stay
) -> None:
    assert decide(status=Status(status), trigger=Trigger(trigger), reason=reason) == expected


TRIGGERS = st.lists(st.sampled_from(Trigger), max_size=len(Trigger))


@given(data=st.data(), triggers=TRIGGERS)
def test_any_order_of_the_same_facts_ends_the_same(
    data: st.DataObject, triggers: list[Trigger]
) -> None:
    other_order = data.draw(st.permutations(triggers))

    assert fold(other_order) == fold(triggers)


@given(triggers=TRIGGERS, again=TRIGGERS)
def test_facts_that_come_again_change_nothing(
    triggers: list[Trigger], again: list[Trigger]
) -> None:
    known = [trigger for trigger in again if trigger in triggers]

    assert fold(triggers + known) == fold(triggers)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_any_few_facts_end_in_the_highest_status_and_its_first_reason(size: int) -> None:
    for triggers in itertools.permutations(Trigger, size):
        highest = max((LEADS_TO[trigger] for trigger in triggers), key=LADDER.index)
        first = min(
            (trigger for trigger in triggers if LEADS_TO[trigger] is highest),
            key=PRECEDENCE.index,
        )

        reason = "" if highest is Status.OPEN else str(first)
        assert fold(list(triggers)) == (highest, reason)
