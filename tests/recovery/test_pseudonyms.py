"""By a pseudonym somebody is known again, and by nobody read."""

import pytest
from pytest_django import Settings

from recovery.pseudonyms import pseudonym


def test_an_address_has_one_in_whatever_case() -> None:
    known = pseudonym("Maria@gmail.com", merchant_id=1)

    assert known == pseudonym("maria@GMAIL.com", merchant_id=1)
    assert known.startswith("erased:")
    assert len(known) == 47
    assert pseudonym(known, merchant_id=1) == known
    assert pseudonym("", merchant_id=1) == ""


@pytest.mark.parametrize("other", ["maria@gmail.co", "maria"])
def test_another_has_another(other: str) -> None:
    assert pseudonym(other, merchant_id=1) != pseudonym("maria@gmail.com", merchant_id=1)


def test_neither_another_merchant_nor_another_secret_knows_it(settings: Settings) -> None:
    known = pseudonym("maria@gmail.com", merchant_id=1)
    assert pseudonym("maria@gmail.com", merchant_id=2) != known

    settings.SECRET_KEY = "another"

    assert pseudonym("maria@gmail.com", merchant_id=1) != known
