"""The frame of the benchmarks: turns, medians, and what counts as missed."""

from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks.measuring import Comparison, Fact, by_turns


def test_product_and_yardstick_take_turns_and_the_first_of_each_counts_for_nothing() -> None:
    taken: list[str] = []
    times = {"product": iter([900.0, 3, 1, 2]), "yardstick": iter([900.0, 30, 10, 20])}

    def measure(name: str) -> float:
        taken.append(name)
        return next(times[name])

    medians = by_turns(lambda: measure("product"), lambda: measure("yardstick"), rounds=3)

    assert medians == (2, 20)
    assert taken == ["product", "yardstick"] * 4


@pytest.mark.parametrize(
    ("limits", "is_missed"),
    [
        ({}, False), ({"at_least": 0.5}, False), ({"at_least": 0.51}, True),
        ({"at_most": 0.5}, False), ({"at_most": 0.49}, True),
    ],
)  # fmt: skip
def test_a_ratio_reaches_what_it_is_to_reach_or_is_missed(
    limits: dict[str, Any], is_missed: bool
) -> None:
    compared = Comparison("pages", "a second", 100, 200, **limits)

    assert compared.is_missed is is_missed
    assert compared.row().startswith("| pages | 100 a second | 200 a second | 0.50 |")
    assert ("missed" in compared.row()) is is_missed


@pytest.mark.parametrize(("product", "is_missed"), [(9.9, False), (10.1, True)])
def test_two_small_numbers_differ_by_noise(product: float, is_missed: bool) -> None:
    compared = Comparison("page", "ms", product, 1, at_most=2, fine_below=10, digits=1)

    assert compared.is_missed is is_missed
    assert compared.row().startswith(f"| page | {product} ms | 1.0 ms | ")
    assert "≤ 2, or below 10 ms" in compared.row()


def test_what_is_missed_ends_the_command_with_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {
        "good": lambda: [Fact("size", "bytes", 1, 2)],
        "bad": lambda: [Fact("size", "bytes", 3, 2)],
    }
    monkeypatch.setattr(command, "BENCHMARKS", made)

    assert [command.main(names) for names in (["good"], ["bad"], [])] == [0, 1, 1]
    assert command.main(["other"]) == 2
    assert "There is no benchmark other. There are: good, bad." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fact", "is_missed", "goal"),
    [
        (Fact("x", "a second", 399, at_least=400), True, "≥ 400, missed"),
        (Fact("x", "a second", 400, at_least=400), False, "≥ 400"),
        (Fact("x", "ms", 11, at_most=10), True, "≤ 10, missed"),
        (Fact("x", "ms", 10, at_most=10), False, "≤ 10"),
    ],
)
def test_a_number_without_a_yardstick_has_a_most_or_a_least(
    fact: Fact, is_missed: bool, goal: str
) -> None:
    assert fact.is_missed is is_missed
    assert f"| {goal} |" in fact.row()
