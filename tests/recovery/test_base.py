"""The ids that rows are known by outside."""

import re

import pytest

from recovery.models.base import ALPHABET, ID_LENGTH, new_public_id


@pytest.mark.parametrize("prefix", ["case", "mer", "a_b"])
def test_an_id_tells_its_kind(prefix: str) -> None:
    assert re.fullmatch(rf"{prefix}_[{ALPHABET}]{{20}}", new_public_id(prefix))


def test_no_id_is_made_twice() -> None:
    made = {new_public_id("case") for _ in range(20_000)}

    assert len(made) == 20_000


def test_an_id_can_not_be_guessed() -> None:
    assert len(ALPHABET) ** ID_LENGTH > 2**95


def test_every_letter_of_the_alphabet_is_used() -> None:
    letters = set("".join(new_public_id("x")[2:] for _ in range(500)))

    assert letters == set(ALPHABET)


def test_an_id_can_be_read_out_loud_and_spells_nothing() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert set(ALPHABET).isdisjoint("aeiou01lAEIOU")
