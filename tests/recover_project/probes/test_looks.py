"""What hangs keeps nobody waiting, and no second thread is begun to hang with it."""

import threading
import time
from collections.abc import Iterator

import pytest

from recover_project.probes import looks
from recover_project.probes.looks import NOT_ASKED, Check, Look, Verdict

SHORT = 0.2  # seconds


def well() -> None:
    pass


def ill() -> None:
    raise OSError("no route to db.internal")


class Hanging:
    """A check that hangs until it is let go; how often it was made."""

    def __init__(self) -> None:
        self.made = 0
        self.let_go = threading.Event()

    def __call__(self) -> None:
        self.made += 1
        self.let_go.wait(20)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    check = Hanging()
    yield check
    check.let_go.set()


def verdicts(look: Look, *, within: float = 10) -> dict[str, Verdict]:
    return dict(look.begin().verdicts(within=within))


def told(checks: dict[str, Check], *, within: float = 10) -> dict[str, bool]:
    return {name: each.is_ok for name, each in verdicts(Look(checks), within=within).items()}


def test_every_check_is_made_and_says_what_was_amiss() -> None:
    made = verdicts(Look({"a": well, "b": ill, "c": well}))

    assert [(name, each.is_ok) for name, each in made.items()] == [
        ("a", True), ("b", False), ("c", True),
    ]  # fmt: skip
    assert [each.why for each in made.values()] == ["", "OSError: no route to db.internal", ""]


def test_where_the_first_fails_the_others_are_not_asked() -> None:
    made = verdicts(Look({"a": ill, "b": well, "c": well}))

    assert made["a"].why == "OSError: no route to db.internal"
    assert (made["b"], made["c"]) == (NOT_ASKED, NOT_ASKED)


def test_what_hangs_is_told_in_time_with_what_is_known_by_then(hanging: Hanging) -> None:
    began = time.monotonic()

    assert told({"a": well, "b": hanging, "c": well}, within=SHORT) == {
        "a": True, "b": False, "c": False,
    }  # fmt: skip
    assert SHORT <= time.monotonic() - began < 10 * SHORT


def test_who_asks_while_it_hangs_hears_at_once_and_begins_nothing(hanging: Hanging) -> None:
    look = Look({"a": hanging})
    first = verdicts(look, within=SHORT)
    began = time.monotonic()

    again = verdicts(look, within=SHORT)

    assert time.monotonic() - began < SHORT
    assert first["a"].why == again["a"].why == f"no answer in {SHORT} s"
    assert again["a"].took_ms >= first["a"].took_ms >= SHORT * 1000
    assert hanging.made == 1


def test_what_answers_again_is_asked_again(hanging: Hanging) -> None:
    look = Look({"a": hanging})
    assert verdicts(look, within=SHORT)["a"].is_ok is False

    hanging.let_go.set()
    look.begin()._over.wait(10)

    assert verdicts(look)["a"].is_ok is True
    assert hanging.made == 2


def test_a_look_that_never_comes_back_is_given_up(
    hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Look({"a": hanging})
    verdicts(look, within=SHORT)
    monkeypatch.setattr(looks, "GIVEN_UP_AFTER", SHORT / 2)

    verdicts(look, within=SHORT)

    assert hanging.made == 2
