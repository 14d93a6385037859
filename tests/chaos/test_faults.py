"""Which faults are made, and when they end."""

import random

import pytest

from tests.chaos import faults
from tests.chaos.faults import KINDS, Faults


class Running:
    """Nothing runs; what is revived is counted."""

    revived = 0

    def revive(self) -> list[str]:
        self.revived += 1
        return []


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which, in turn."""
    done: list[str] = []

    def noting(name: str) -> faults.Fault:
        return lambda _services, _dice: done.append(name)

    monkeypatch.setattr(faults, "KINDS", {name: noting(name) for name in KINDS})
    monkeypatch.setattr("tests.chaos.faults.time.sleep", lambda _seconds: None)
    return done


@pytest.mark.parametrize("rounds", [1, 3])
def test_each_kind_is_made_in_each_round(made: list[str], rounds: int) -> None:
    running = Running()
    found = Faults(1, rounds)
    found.make(running)  # type: ignore[arg-type]

    assert sorted(made) == sorted([*KINDS] * rounds)
    assert found.counts == dict.fromkeys(KINDS, rounds)
    assert running.revived == len(KINDS) * rounds


def test_a_seed_makes_the_same_order_again() -> None:
    first, again, other = (list(faults.in_turn(random.Random(seed), 2)) for seed in (1, 1, 2))
    assert first == again != other
