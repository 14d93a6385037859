"""No endpoint answers with what is another merchant's: generated from the URL map."""

from typing import Any

import pytest

from recovery.models import (
    Customer,
    Merchant,
    PaymentAttempt,
    RecoveryCase,
    TimelineEntry,
    WebhookDelivery,
    WebhookRegistration,
)
from tests.builders import make_merchant
from tests.recovery.api.routes import (
    CALLS,
    EVERY_METHOD,
    FOR_EVERYBODY,
    LISTS,
    NO_METHOD,
    OF_ONE,
    ROUTES,
    SAMPLES,
    Route,
    patterns,
    view_of,
)

pytestmark = pytest.mark.django_db
THEIR_NAME = "Zephyrquill"
ROWS = (
    RecoveryCase, Customer, PaymentAttempt, TimelineEntry, WebhookRegistration, WebhookDelivery,
)  # fmt: skip


@pytest.fixture
def ours() -> Merchant:
    return make_merchant("Ours")


@pytest.fixture
def theirs() -> Merchant:
    return make_merchant(THEIR_NAME)


def unknown_to(answer: Any, theirs: Merchant) -> bool:
    """Their ids and addresses all have their name in them, but for ids that we give."""
    told = answer.content.decode().lower()
    ours_to_give = [*RecoveryCase.objects.of(theirs).values_list("public_id", flat=True)]
    return not any(one.lower() in told for one in (THEIR_NAME, theirs.public_id, *ours_to_give))


def rows() -> list[Any]:
    return [list(model._default_manager.order_by("pk").values()) for model in ROWS]


def test_every_route_is_for_clients_or_said_to_be_for_everybody() -> None:
    """A new one that asks for no credential has to be named in FOR_EVERYBODY."""
    clients = {route.name for route in ROUTES}
    anybody = {pattern.name for pattern in patterns() if pattern.name not in clients}

    assert anybody == set(FOR_EVERYBODY)
    assert [name for name in FOR_EVERYBODY if name in clients] == []
    unnamed = [str(one.pattern) for one in patterns() if view_of(one) and not one.name]
    assert unnamed == [], "Name these routes, so that these tests can ask them."


@pytest.mark.parametrize("route", OF_ONE, ids=str)
def test_every_route_that_names_something_has_a_sample(route: Route) -> None:
    missing = [name for name in route.ids if name not in SAMPLES]

    assert missing == [], (
        f"The route {route.name} takes {missing}: say in SAMPLES (tests/recovery/api/routes.py) "
        "how to make what that names, or nobody proves that it stays its merchant's own."
    )


@pytest.mark.parametrize(("route", "method"), EVERY_METHOD, ids=str)
def test_without_a_credential_nothing_is_told(theirs: Merchant, route: Route, method: str) -> None:
    ids = route.sample(theirs)
    before = rows()

    answer = route.ask(method, ids=ids, client=None)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"]
    assert set(answer.json()["error"]) == {"code", "message", "fields"}
    assert unknown_to(answer, theirs)
    assert rows() == before


@pytest.mark.parametrize(("route", "method"), CALLS, ids=str)
def test_what_is_anothers_is_as_unknown_as_what_never_was(
    ours: Merchant, theirs: Merchant, route: Route, method: str
) -> None:
    ids = route.sample(theirs)
    never = {name: value[:-4] + "zzzz" for name, value in ids.items()}
    before = rows()

    anothers = route.ask(method, ids=ids, client=ours)
    nobodys = route.ask(method, ids=never, client=ours)

    assert (anothers.status_code, nobodys.status_code) == (404, 404)
    assert anothers.content == nobodys.content
    assert unknown_to(anothers, theirs)
    assert rows() == before


@pytest.mark.parametrize(("route", "method"), CALLS, ids=str)
def test_what_is_ones_own_is_found(theirs: Merchant, route: Route, method: str) -> None:
    """Else the test above would prove nothing."""
    answer = route.ask(method, ids=route.sample(theirs), client=theirs)

    assert answer.status_code not in {401, 403, 404, 405}
    assert answer.status_code < 500


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_a_list_or_a_figure_is_of_ones_own_alone(
    ours: Merchant, theirs: Merchant, route: Route
) -> None:
    before = route.ask("get", ids={}, client=ours)
    for sample in SAMPLES.values():
        sample(theirs)

    answer = route.ask("get", ids={}, client=ours)

    assert answer.status_code == 200
    assert answer.json() == before.json()
    assert unknown_to(answer, theirs)


@pytest.mark.parametrize(("route", "method"), NO_METHOD, ids=str)
def test_a_method_that_is_not_there_is_a_405(ours: Merchant, route: Route, method: str) -> None:
    answer = route.ask(method, ids=route.sample(ours), client=ours)

    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
