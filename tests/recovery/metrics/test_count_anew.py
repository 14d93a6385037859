"""count_anew: the figures of a merchant are added up from the cases once more."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from recovery.metrics import tallying
from recovery.models import Tally
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def run(merchant_id: str) -> list[str]:
    out = StringIO()
    call_command("count_anew", merchant_id, stdout=out)
    return out.getvalue().splitlines()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL tallies alone.")
def test_it_says_how_much_was_wrong_and_then_nothing_is() -> None:
    merchant = make_merchant()
    receive(DOCUMENTED_EXAMPLE, merchant=merchant)
    tallying.keep()
    Tally.objects.update(owed=1)

    assert run(merchant.public_id) == [
        "cases           1",
        "sums wrong      1",
    ]
    assert run(merchant.public_id)[1] == "sums wrong      0"


@pytest.mark.skipif(connection.vendor == "postgresql", reason="There, figures are kept.")
def test_where_figures_read_the_cases_there_is_nothing_to_count() -> None:
    merchant = make_merchant()

    with pytest.raises(CommandError, match="only on PostgreSQL"):
        run(merchant.public_id)
    tallying.keep()

    assert not Tally.objects.exists()
    assert tallying.miscounted(merchant, since=merchant.created_at.date()) == 0


def test_a_merchant_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match="There is no merchant mer_x"):
        run("mer_x")
