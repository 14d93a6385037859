"""What a request costs in queries doesn't depend on how much there is: over the URL map."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recovery.models import Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.recovery.api.routes import CALLS, LISTS, SAMPLES, Route, happened

pytestmark = pytest.mark.django_db
MANY = 30


def queries(route: Route, method: str, ids: dict[str, str], merchant: Merchant) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = route.ask(method, ids=ids, client=merchant)
    assert answer.status_code < 500
    assert answer.status_code not in {401, 403, 404, 405}
    return len(asked)


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_a_list_or_a_figure_costs_the_same_for_one_row_and_for_thirty(route: Route) -> None:
    merchant = make_merchant()
    for sample in SAMPLES.values():
        sample(merchant)
    one = queries(route, "get", {}, merchant)
    for sample in SAMPLES.values():
        for _number in range(MANY - 1):
            sample(merchant)

    assert queries(route, "get", {}, merchant) == one


@pytest.mark.parametrize(("route", "method"), CALLS, ids=str)
def test_one_thing_costs_the_same_however_much_happened_to_it(route: Route, method: str) -> None:
    merchant = make_merchant()
    fresh = queries(route, method, route.sample(merchant), merchant)
    ids = route.sample(merchant)
    for case in RecoveryCase.objects.of(merchant):
        for _number in range(MANY):
            happened(case)

    assert queries(route, method, ids, merchant) == fresh
