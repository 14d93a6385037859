"""dev.py fuzz: which properties it tries, how hard, and that it says which one failed."""

from pathlib import Path

import pytest

from tests import fuzz
from tests.examples import FACTOR, examples

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("target", fuzz.TARGETS, ids=lambda target: target.name)
def test_every_target_is_there(target: fuzz.Target) -> None:
    path, _, test = target.tests.partition("::")

    assert f"def {test or 'test_'}" in (ROOT / path).read_text()


def test_the_factor_makes_many_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FACTOR, raising=False)
    assert examples(8) == 8
    monkeypatch.setenv(FACTOR, "100")
    assert examples(8) == 800


@pytest.mark.parametrize(
    ("inside", "result"), [("", "fine"), ("<failure/>", "NOT FINE"), ("<skipped/>", "NOT FINE")]
)
def test_each_line_says_how_often_how_long_and_how_it_ended(
    tmp_path: Path, inside: str, result: str
) -> None:
    test = "tests/billing_portal/test_tokens.py::test_nothing_else"
    target = fuzz.Target("tokens", "forged", test, 100)
    told = tmp_path / "told.xml"
    case = 'classname="tests.billing_portal.test_tokens" name="test_nothing_else_is_raised'
    told.write_text(
        f'<s><testcase {case}[a]" time="3.0"/><testcase {case}[b]" time="4.0">{inside}</testcase>'
        '<testcase classname="tests.other" name="test_nothing_else" time="9"><failure/></testcase>'
        "</s>"
    )

    [line] = fuzz._table(told, 10, [target])

    assert line.split() == ["forged", "2,000", "7", *result.split()]


def test_a_target_that_was_not_tried_is_not_fine(tmp_path: Path) -> None:
    told = tmp_path / "told.xml"
    told.write_text("<s/>")

    lines = fuzz._table(told, 10, fuzz.TARGETS)

    assert {line.rsplit("  ", 1)[-1] for line in lines} == {"NOT FINE"}


@pytest.mark.parametrize(
    ("arguments", "times", "names"),
    [
        ([], 100, [target.name for target in fuzz.TARGETS]),
        (["10"], 10, [target.name for target in fuzz.TARGETS]),
        (["templates", "10", "webhooks"], 10, ["webhooks", "templates"]),
    ],
)
def test_how_hard_and_what_is_told_by_arguments(
    arguments: list[str], times: int, names: list[str]
) -> None:
    asked = fuzz._asked(arguments)

    assert asked is not None
    assert (asked[0], [target.name for target in asked[1]]) == (times, names)


@pytest.mark.parametrize("wrong", [["-1"], ["0"], ["many"], ["1", "2"], ["webhooks", "webhoks"]])
def test_a_factor_is_a_number_and_a_target_one_that_there_is(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fuzz.main(wrong) == 2
    said = capsys.readouterr().out
    assert "python -m tests.fuzz [factor] [target …]" in said
    assert "Targets: webhooks signatures events objects tokens templates addresses api" in said
