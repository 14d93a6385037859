"""One row that can't be worked holds up none of the others."""

import pytest

from recover_project.logs import Line
from recovery.batches import apart, pages
from recovery.models import Merchant
from tests.builders import make_merchant


def test_what_fails_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(3):
        with apart(f"Row {number}"):
            assert 1 / (number - 1)

    assert [record.getMessage() for record in caplog.records] == [
        "Row 1 failed; the others go on."
    ]
    assert "ZeroDivisionError" in caplog.text


def test_what_fails_says_what_it_is_about(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(Line())
    with apart("Row 1", debt="in_1"):
        raise ValueError

    assert "Row 1 failed; the others go on. [debt=in_1]" in caplog.text


def test_an_order_to_stop_is_obeyed() -> None:
    with pytest.raises(SystemExit), apart("Row 1"):
        raise SystemExit


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_every_row_comes_once_whatever_the_size_of_a_page(size: int) -> None:
    made = [make_merchant(str(number)) for number in range(3)]

    assert list(pages(Merchant.objects.order_by("-name"), size=size)) == made
