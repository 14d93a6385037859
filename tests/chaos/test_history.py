"""A history that a seed makes again, and the orders in which it comes to the door."""

import json
from collections import Counter

from tests.chaos import deliveries, history
from tests.chaos.debts import Kind
from tests.chaos.history import MERCHANTS, History

BEGINS_AT = 1_790_000_000


def made(seed: int = 1, events: int = 600) -> History:
    return history.make(seed=seed, events=events, begins_at=BEGINS_AT, merchants=len(MERCHANTS))


def test_a_seed_makes_the_same_history_again_and_another_seed_another() -> None:
    assert made().events == made().events
    assert made().events != made(seed=2).events


def test_it_has_debts_of_each_kind_of_merchants_in_both_modes() -> None:
    debts = made().debts
    assert {debt.kind for debt in debts} == set(Kind)
    assert {debt.livemode for debt in debts} == {True, False}
    assert {debt.merchant for debt in debts} == {merchant.number for merchant in MERCHANTS}
    assert "" in {merchant.key for merchant in MERCHANTS}  # of whom Stripe can't be asked


def test_events_stand_in_the_order_in_which_they_happened_and_each_has_a_name_of_its_own() -> None:
    events = made().events
    assert [event.created for event in events] == sorted(event.created for event in events)
    assert len({event.id for event in events}) == len(events) >= 600


def test_only_events_of_the_merchants_own_mode_are_to_be_kept() -> None:
    for event in made().events:
        body = json.loads(event.body)
        is_own = body["livemode"] == MERCHANTS[event.merchant].livemode
        assert event.is_kept == (is_own and body["type"] != "product.updated")


def test_every_event_is_delivered_some_twice_and_many_in_another_order() -> None:
    events = made().events
    order = deliveries.disturbed(events, seed=1)
    times = Counter(event.id for event in order)

    assert times.keys() == {event.id for event in events}
    assert sum(count > 1 for count in times.values()) > len(events) / 20
    first = list(dict.fromkeys(event.id for event in order))
    assert first != [event.id for event in events]
    assert order == deliveries.disturbed(events, seed=1) != deliveries.disturbed(events, seed=2)


def test_undisturbed_each_comes_once_as_it_happened() -> None:
    events = made().events
    assert deliveries.in_order(events) == list(events)
