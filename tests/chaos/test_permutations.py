"""Orders of events: a few of them here, ten thousand by `python3 dev.py chaos orders`."""

import random
from collections.abc import Sequence

import pytest

from tests.chaos import history, permutations
from tests.chaos.history import Told

SOME = history.make(seed=1, events=10, begins_at=1_790_000_000, merchants=3).events


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.no_cover
def test_random_orders_with_duplicates_leave_the_same_state() -> None:
    found = permutations.run(count=25, seed=1, left_by=permutations.Product().left_by)
    assert (found.orders, found.differing) == (25, 0)
    assert found.events > 25


def test_an_order_that_leaves_another_state_is_noticed() -> None:
    found = permutations.run(count=20, seed=1, left_by=lambda batches: batches[0][0].id)
    assert found.differing > 0


def test_the_orders_are_shared_out_and_what_was_found_is_added_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(permutations, "CORES", 3)
    monkeypatch.setattr(
        permutations, "_in_a_process",
        lambda count, seed: permutations.Ordered(count, 1, 10 * count, seed),
    )  # fmt: skip

    assert permutations.on_every_core(count=8, seed=5) == permutations.Ordered(8, 3, 80, 5 + 6 + 7)
    assert permutations.on_every_core(count=1, seed=5) == permutations.Ordered(1, 1, 10, 5)


def test_an_order_has_each_event_at_least_once_and_some_twice() -> None:
    every = permutations.orders(SOME, random.Random(1))
    told = [[event for batch in next(every) for event in batch] for _order in range(20)]

    assert all(set(ids(order)) == set(ids(SOME)) for order in told)
    assert max(map(len, told)) > len(SOME)
    assert len({tuple(ids(order)) for order in told}) == 20


def test_every_history_has_more_than_one_order() -> None:
    dice = random.Random(1)

    assert min(len(permutations.of_one_merchant(dice)) for _history in range(300)) > 1


def ids(events: Sequence[Told]) -> list[str]:
    return [event.id for event in events]
