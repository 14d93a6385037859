"""Every address of the back office, asked by everybody: each answer is the one that the rights
say, and nothing is told or changed of a merchant that isn't worked for.

Generated from the resolver. What an address is filled in with is in addresses.py, whose rows they
are in worlds.py; an address or a model that is in neither makes a test fail that names it.
"""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from django.contrib import admin
from django.db import models, transaction
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from recover_project.back_office.access import Right
from recover_project.back_office.pages import PAGES
from tests.back_office.addresses import (
    EXEMPT,
    FILLED,
    MODELS,
    OF_EXEMPT,
    SITE,
    Address,
    Exempt,
    Way,
    address_of,
    fields_of,
    path_of,
    routes,
)
from tests.back_office.everybody import Outcome, Person, Question, ask, everybody, leaks
from tests.back_office.worlds import make_full_world, nobodys, owned, rows_of, words_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(600),
    pytest.mark.no_cover,  # long, of lines that others run
]
# By whom it is asked, as many together as take about as long as the others.
WHO = (
    ("nobody", "who works for nobody", "an owner without a factor", "a viewer"),
    ("staff as a viewer", "an operator", "another merchant's owner"),
    ("an owner",),
    ("staff that works for another",),
)
# Who ask by methods that there are none of, or that to Django are as good as a GET.
WRONG_METHODS = {"nobody", "an owner"}
# What each right is for, beside what the pages say: a page that was declared with too low a right
# writes what isn't here. `own` and `staff` may write everything.
WRITTEN: Mapping[Right, set[str]] = {
    Right.LOOK: {"back_office_savedview"},
    Right.OPERATE: {
        "recovery_recoverycase", "recovery_timelineentry", "recovery_operatortask",
        "recovery_customer", "recovery_stripeevent", "recovery_webhookdelivery",
        "recovery_outboundnotice", "recovery_coverage", "billing_portal_paymentupdatelink",
        "dunning_dunningrun", "dunning_dunningmessage", "dunning_dunningmessage_also_about",
        "dunning_dunningretry", "auditlog_logentry",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Person]]:
    """Once for all tests: whatever is asked leaves no trace."""
    logging.disable(logging.ERROR)  # of each that is refused there would be a line
    platform = {"STRIPE_CONNECT_CLIENT_ID": "ca_test", "STRIPE_API_KEY": "sk_test_platform"}
    with django_db_blocker.unblock(), override_settings(**platform), transaction.atomic():
        yield everybody(make_full_world("birch"), make_full_world("moss"))
        transaction.set_rollback(True)
    logging.disable(logging.NOTSET)


# --- what is to be expected ---------------------------------------------------------------------


def expected(person: Person, address: Address, way: Way, method: str) -> Outcome:
    """With rows of the merchant that is worked for."""
    right = address.to_change if method == "POST" else address.right
    is_there = way.is_read if method == "GET" else way.form is not None
    if person.stopped:
        return person.stopped
    if not person.may(right):
        return Outcome.FORBIDDEN
    if not is_there and not address.is_djangos:
        return Outcome.NO_METHOD
    return Outcome.ANSWERED


def may_write(person: Person, address: Address, way: Way) -> set[str] | None:
    """The tables; None: all of them."""
    right = way.writes or address.to_change
    if person.stopped or not person.may(right):
        return set()
    if person.may(Right.OWN):
        return None
    return set().union(*(WRITTEN.get(one, set()) for one in person.rights))


def wrongs(person: Person, route: str) -> Iterator[tuple[Question, str]]:
    """Of one person at one address; nothing that was asked is asked again."""
    address = address_of(route)
    if isinstance(address, Exempt):
        yield from _wrongs_of_exempt(person, route)
        return
    for way in address.ways:
        for method in ("GET", "POST", "PUT"):
            question = question_of(address, way, method, person.ids)
            if str(question) not in person.asked and person.asks_own:
                person.asked.add(str(question))
                yield from _wrongs_with_own(person, address, way, question)
        for method in ("GET", "POST") if person.asks_others else ():
            yield from _wrongs_with_others(person, address, way, method)


def _wrongs_of_exempt(person: Person, route: str) -> Iterator[tuple[Question, str]]:
    for method in ("GET", "POST"):
        ids = person.other.ids
        question = Question(method, path_of(route, OF_EXEMPT, ids), form={"user_pk": "x"})
        answer = ask(person, question)
        yield from ((question, wrong) for wrong in leaks(person, question, answer))


def _wrongs_with_own(
    person: Person, address: Address, way: Way, question: Question
) -> Iterator[tuple[Question, str]]:
    method = question.method
    is_sent = method == "POST" and way.form is not None
    is_wrong = method == "PUT" or (address.is_djangos and method == "POST" and not is_sent)
    if is_wrong and person.name not in WRONG_METHODS:
        return
    answer = ask(person, question)
    yield from ((question, wrong) for wrong in leaks(person, question, answer))
    meant, allowed = expected(person, address, way, method), may_write(person, address, way)
    if not is_wrong and answer.outcome is not meant:
        yield question, f"{answer.outcome}, not: {meant}"
    if allowed is not None and answer.written - allowed:
        yield question, f"writes {answer.written - allowed}"
    if is_sent and not way.fruitless and allowed != set() and not answer.written:
        yield question, "changes nothing: nothing is tried by it"


def _wrongs_with_others(
    person: Person, address: Address, way: Way, method: str
) -> Iterator[tuple[Question, str]]:
    """Each row that is named is another merchant's, then nobody's, with own ones beside it: it is
    all the same. Who is refused whatever they name isn't asked here."""
    is_refused = expected(person, address, way, method) is not Outcome.ANSWERED
    if is_refused or (method == "POST" and may_write(person, address, way) == set()):
        return
    for row in way.rows(method):
        outcomes = []
        for stranger in (person.other.ids[row], nobodys(person.ids)[row]):
            question = question_of(address, way, method, {**person.ids, row: stranger})
            answer = ask(person, question)
            yield from ((question, wrong) for wrong in leaks(person, question, answer))
            if answer.written:
                yield question, f"writes {answer.written}"
            outcomes.append(answer.outcome)
        if method == "GET" and set(outcomes) != {Outcome.UNKNOWN}:
            yield question, f"{outcomes}, not: {Outcome.UNKNOWN}"
        elif len(set(outcomes)) > 1 and not person.may(Right.STAFF):
            yield question, f"tells another merchant's row from none: {outcomes}"


def question_of(address: Address, way: Way, method: str, ids: Mapping[str, str]) -> Question:
    query = fields_of(way.query, ids) if method == "GET" else {}
    form = fields_of(way.form, ids) if method == "POST" else {}
    return Question(method, path_of(address.route, way.arguments, ids), query, form)


# --- the tests ----------------------------------------------------------------------------------


def test_every_address_is_known_and_every_known_address_is_there() -> None:
    there = routes()
    for route in there:
        address_of(route)

    assert {page.route for page in PAGES} == set(FILLED)
    assert set(SITE) <= set(there)
    assert [one for one in EXEMPT if not any(route.startswith(one) for route in there)] == []


def test_every_model_has_rows_of_both_merchants_to_be_told_apart(people: list[Person]) -> None:
    for world in (people[0].at, people[0].other):
        empty = [one.__name__ for one in owned() if not rows_of(one, world.merchant).exists()]
        assert empty == []
        assert len(words_of(world, but=people[0].other)) > 100 or world is people[0].other


@pytest.mark.parametrize("names", WHO, ids=" and ".join)
def test_each_is_answered_as_the_rights_say_and_nothing_is_told_or_changed_of_others(
    names: Sequence[str], people: list[Person]
) -> None:
    found = [
        f"{person.name}: {question}: {wrong}"
        for person in people
        if person.name in names
        for route in routes()
        for question, wrong in wrongs(person, route)
    ]

    assert found == [], "\n".join(found)


def test_nobody_is_left_out(people: list[Person]) -> None:
    assert sorted(person.name for person in people) == sorted(itertools.chain(*WHO))


def test_autocompletion_finds_rows_of_the_own_merchant_alone(people: list[Person]) -> None:
    """Each field that a form could let somebody search the other end of."""
    found = []
    for person in people:
        for model in admin.site._registry:
            for one in model._meta.fields:
                if isinstance(one, models.ForeignKey) and not person.stopped:
                    found += list(_wrongs_of_search(person, model, one))

    assert found == [], "\n".join(found)


def _wrongs_of_search(
    person: Person, model: type[models.Model], one: models.ForeignKey[Any, Any]
) -> Iterator[str]:
    told = {
        "app_label": model._meta.app_label, "model_name": str(model._meta.model_name),
        "field_name": one.name,
    }  # fmt: skip
    remote: Any = one.remote_field.model
    listed = admin.site._registry.get(remote)
    is_searched = bool(listed and listed.search_fields)
    for term in ("", person.other.name):
        question = Question("GET", "/admin/autocomplete/", {**told, "term": term})
        answer = ask(person, question)
        yield from (f"{person.name}: {question}: {one}" for one in leaks(person, question, answer))
        if is_searched != (answer.outcome is Outcome.ANSWERED):
            yield f"{person.name}: {question}: {answer.outcome}"


def test_no_parameter_of_a_list_brings_another_merchants_row(people: list[Person]) -> None:
    """Each field of a row, and of what it belongs to, asked for what is in another merchant's."""
    owner = next(person for person in people if person.name == "an owner")
    found = []
    for route, model in MODELS.items():
        row = rows_of(model, owner.other.merchant).latest("pk")
        for query in [{"_facets": "True"}, {"all": ""}, {"o": "-1"}, *parameters(row)]:
            question = Question("GET", f"/admin/{route}", query)
            answer = ask(owner, question)
            found += [f"{question}: {wrong}" for wrong in leaks(owner, question, answer)]

    assert found == [], "\n".join(found)


def parameters(row: models.Model) -> Iterator[dict[str, str]]:
    for name, value in _texts_of(row):
        yield {"q": value}
        yield from ({f"{name}{lookup}": value} for lookup in ("", "__in"))
    for one in row._meta.fields:
        if isinstance(one, models.ForeignKey) and (far := getattr(row, one.name)) is not None:
            yield from ({f"{one.name}{lookup}": str(far.pk)} for lookup in ("", "__id__exact"))
            yield from (
                {f"{one.name}__{name}__startswith": value} for name, value in _texts_of(far)
            )


def _texts_of(row: models.Model) -> list[tuple[str, str]]:
    """What is short enough to be asked for; the key too."""
    texts = [(one.name, str(getattr(row, one.name))) for one in row._meta.fields
             if isinstance(one, models.CharField)]  # fmt: skip
    return [("pk", str(row.pk)), *((name, value) for name, value in texts if value)]


def test_what_is_no_value_of_a_parameter_breaks_nothing(people: list[Person]) -> None:
    staff = next(person for person in people if person.may(Right.STAFF))
    asked = ("all", "failed_at", "language", "name", "o", "p", "page", "period", "place", "q", "s",
             "state", "status__exact", "theme", "version", "view", "which", "why",
             "width")  # fmt: skip
    found, asked_already = [], set[str]()
    for route in routes():
        address = address_of(route)
        for way in address.ways if isinstance(address, Address) else ():
            for junk in ("x", "9" * 40):
                path = path_of(route, way.arguments, staff.ids)
                question = Question("GET", path, dict.fromkeys(asked, junk))
                if str(question) not in asked_already:
                    asked_already.add(str(question))
                    found += list(map(str, leaks(staff, question, ask(staff, question))))

    assert found == [], "\n".join(found)
