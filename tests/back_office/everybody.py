"""Whoever may come to the back office, and what becomes of what they ask.

for person in everybody(ours, theirs):
    answer = ask(person, Question("GET", "/admin/"))
    wrong = list(leaks(person, question, answer))
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.db import connection, transaction
from django.http import SimpleCookie
from django.test import Client
from django.utils import timezone

from recover_project.back_office.access import EVERY_RIGHT, RIGHTS, Right
from recover_project.back_office.models import SavedView
from recovery.models import Merchant, Role, User
from tests.back_office.people import PASSWORD, log_in, log_in_superuser
from tests.back_office.worlds import World, state_of, words_of

MOST_QUERIES = 19  # of a page
# Written by whoever looks: who was here and when.
NOTED = {"django_session", "usersessions_usersession"}
WRITES = re.compile(r'\s*(INSERT INTO|INSERT OR IGNORE INTO|UPDATE|DELETE FROM) "(\w+)"')
LOGINS = ("/admin/login/", "/admin/account/login/")
SET_UP = "/admin/account/second-factor/totp/activate/"


class Outcome(StrEnum):
    LOGIN = "is sent to the login"
    FACTOR = "is asked for a second factor"
    FORBIDDEN = "is forbidden"
    UNKNOWN = "is told that it is not there"
    NO_METHOD = "is told that there is no such method"
    NOT_UNDERSTOOD = "isn't understood"
    ANSWERED = "is answered"
    BROKEN = "breaks it"


STATUSES = {
    HTTPStatus.BAD_REQUEST: Outcome.NOT_UNDERSTOOD,
    HTTPStatus.FORBIDDEN: Outcome.FORBIDDEN,
    HTTPStatus.NOT_FOUND: Outcome.UNKNOWN,
    HTTPStatus.METHOD_NOT_ALLOWED: Outcome.NO_METHOD,
}
TAKEN = {HTTPStatus.OK, HTTPStatus.FOUND, HTTPStatus.CONFLICT}


class Asking(Client):
    """Keeps no templates and contexts of answers, as Django's does: thousands are asked for."""

    def request(self, **request: Any) -> Any:
        answer = self.handler(self._base_environ(**request))  # type: ignore[attr-defined] # Django's own
        self.cookies.update(answer.cookies)
        return answer


@dataclass
class Person:
    """`at` is whom they work for, `other` whose things they are to know nothing of."""

    name: str
    client: Client
    at: World
    other: World
    rights: frozenset[Right] = frozenset()
    stopped: Outcome | None = None
    asks_own: bool = True  # else of others' rows alone: somebody else asks the same
    asks_others: bool = True
    ids: Mapping[str, str] = field(default_factory=dict)
    unheard: frozenset[str] = frozenset()
    others_state: Mapping[str, Any] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def may(self, right: Right | None) -> bool:
        return right in self.rights


@dataclass
class Question:
    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = "&".join(f"{name}={value}" for name, value in {**self.query, **self.form}.items())
        return f"{self.method} {self.path} {told}".strip()


@dataclass
class Answer:
    outcome: Outcome
    text: str
    written: set[str]
    queries: int
    has_changed_others: bool


def everybody(ours: World, theirs: World) -> list[Person]:
    operator, viewer, owner, careless, looked_at = (
        log_in(ours.merchant, role, f"{name}@who.example")
        for name, role in (
            ("operator", Role.OPERATOR), ("viewer", Role.VIEWER), ("owner", Role.OWNER),
            ("careless", Role.OWNER), ("looked-at", Role.VIEWER),
        )
    )  # fmt: skip
    looked_at.logout()
    TOTP.activate(_user("owner@who.example"), generate_totp_secret())
    stranger = log_in(theirs.merchant, Role.OWNER, "stranger@who.example")
    idle, staff, looking_on = Client(), log_in_superuser(), log_in_superuser("on@who.example")
    idle.force_login(User.objects.create_user("idle@who.example", PASSWORD))
    staff.post("/admin/switch/", {"merchant": theirs.merchant.public_id})
    whom = {"user_pk": _user("looked-at@who.example").pk}
    looking_on.post("/admin/look-on-as/acquire/", whom)
    Merchant.objects.filter(pk=ours.merchant.pk).update(requires_second_factor=True)
    looks, operates, owns = (RIGHTS[role] for role in (Role.VIEWER, Role.OPERATOR, Role.OWNER))
    found = [
        Person("nobody", Client(), ours, theirs, stopped=Outcome.LOGIN),
        Person("who works for nobody", idle, ours, theirs, stopped=Outcome.LOGIN),
        Person("an owner without a factor", careless, ours, theirs, stopped=Outcome.FACTOR),
        Person("a viewer", viewer, ours, theirs, looks),
        Person("staff as a viewer", looking_on, ours, theirs, looks, asks_others=False),
        Person("an operator", operator, ours, theirs, operates),
        Person("an owner", owner, ours, theirs, owns),
        Person("another merchant's owner", stranger, theirs, ours, owns, asks_own=False),
        Person("staff that works for another", staff, theirs, ours, EVERY_RIGHT),
    ]
    for person in found:
        _acquaint(person)
    for person in found:
        person.others_state = state_of(person.other.merchant)
    return found


def _user(email: str) -> User:
    return User.objects.get(email=email)


def _acquaint(person: Person) -> None:
    """With ids of their own, and with what they are never to hear."""
    asking = Asking()
    asking.cookies, person.client = person.client.cookies, asking
    person.ids = person.at.ids
    if pk := asking.session.get("_auth_user_id"):
        view = SavedView.objects.create(
            merchant=person.at.merchant, user_id=pk, name="Own", query="q=own",
            created_at=timezone.now(),
        )  # fmt: skip
        person.ids = {**person.ids, "view": view.public_id}
    unheard = words_of(person.other, but=person.at)
    if person.stopped:
        unheard |= words_of(person.at, but=person.other)
    elif not person.may(Right.OWN):
        unheard |= {f"{person.at.name} key 0", f"{person.at.name}0@silent.example"}
    if person.may(Right.STAFF):  # is offered whom to switch to
        unheard -= {person.other.name, person.other.merchant.public_id}
    person.unheard = frozenset(unheard)


# --- asking -------------------------------------------------------------------------------------


class Watch:
    """What a request asks of the database, and which tables it writes to."""

    def __init__(self) -> None:
        self.queries, self.written = 0, set[str]()

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        self.queries += "SAVEPOINT" not in sql
        writes = WRITES.match(sql)
        if writes and (writes[1].startswith("INSERT") or context["cursor"].rowcount):
            self.written.add(writes[2])
        return found


def ask(person: Person, question: Question) -> Answer:
    """As if nobody had asked before, and without a trace."""
    client, watch = person.client, Watch()
    kept = dict(client.cookies)
    cache.clear()
    with transaction.atomic():
        with connection.execute_wrapper(watch):
            if question.method == "POST":
                given = client.post(question.path, question.form)
            else:
                given = client.generic(
                    question.method, question.path, query_params=dict(question.query)
                )
        written = watch.written - NOTED
        has_changed = bool(written) and state_of(person.other.merchant) != person.others_state
        transaction.set_rollback(True)
    client.cookies = SimpleCookie()
    client.cookies.update(kept)
    return Answer(_outcome(given), _text(given), written, watch.queries, has_changed)


def _outcome(given: Any) -> Outcome:
    if given.status_code in STATUSES:
        return STATUSES[given.status_code]
    if given.status_code == HTTPStatus.FOUND:
        if given["Location"].startswith(LOGINS):
            return Outcome.LOGIN
        if given["Location"] == SET_UP:
            return Outcome.FACTOR
        if any("Perhaps it was deleted" in said for said in _said(given)):
            return Outcome.UNKNOWN
    return Outcome.ANSWERED if given.status_code in TAKEN else Outcome.BROKEN


def _said(given: Any) -> list[str]:
    """What the next page will say."""
    storage = getattr(given.wsgi_request, "_messages", None)
    return [str(message) for message in storage._queued_messages] if storage else []


def _text(given: Any) -> str:
    headers = [f"{name}: {value}" for name, value in given.headers.items()]
    return "\n".join([*headers, *_said(given), given.getvalue().decode(errors="replace")])


def leaks(person: Person, question: Question, answer: Answer) -> Iterator[str]:
    """What is wrong with an answer, whatever was asked."""
    if answer.outcome is Outcome.BROKEN:
        yield "breaks it"
    if answer.has_changed_others:
        yield f"changes rows of {person.other.name}"
    known = str(question)  # an answer may repeat it
    told = [word for word in sorted(person.unheard) if word in answer.text and word not in known]
    if told:
        yield f"reads {told[:5]}"
    if question.method != "POST" and answer.written:
        yield f"writes {answer.written} by looking"
    if question.method == "GET" and answer.queries > MOST_QUERIES:
        yield f"costs {answer.queries} queries"
