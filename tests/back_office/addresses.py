"""Every address below /admin/, with how it is filled in and who may what there.

`routes()` walks the resolver. Of an address that nobody told of here `address_of` raises an
UnfilledError that names it: say in FILLED what its arguments and forms are.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin

from dunning.plans.campaign_facts import StepFacts
from recover_project.back_office.access import Right
from recover_project.back_office.cases.verbs import VERBS
from recover_project.back_office.pages import PAGES
from recover_project.back_office.settings.webhooks import VERBS as WEBHOOK_VERBS
from tests.back_office import resolver
from tests.back_office.settings.filling_in import ACCOUNT
from tests.back_office.test_campaigns import DAY, steps

ROOT = "admin/"
Form = Mapping[str, Any]


@dataclass(frozen=True)
class Way:
    """One way to ask for an address. In what is filled in, {case} stands for a merchant's row, by
    the names of `World.ids`. `form` is what is sent, so that it is taken; None: nothing can be.

    Who has the right to `writes` changes something by it; unless it is `fruitless`, and why."""

    arguments: Mapping[str, str]
    query: Form | None = None
    form: Form | None = None
    is_read: bool = True
    writes: Right | None = None
    fruitless: str = ""
    is_for_others: bool = True

    def rows(self, method: str) -> list[str]:
        """The names of the rows that are named, and that others' can be put in the place of."""
        if not self.is_for_others:
            return []
        told = (self.arguments, self.query if method == "GET" else self.form)
        return sorted(set(re.findall(r"{([\w.]+)}", str(told))))


def look(query: Form | None = None, **arguments: str) -> Way:
    return Way(arguments, query=query)


def send(form: Form | None = None, *, fruitless: str = "", **arguments: str) -> Way:
    return Way(arguments, form=form or {"sent": "1"}, is_read=False, fruitless=fruitless)


def look_or_send(form: Form | None = None, *, fruitless: str = "", **arguments: str) -> Way:
    return Way(arguments, form=form or {"sent": "1"}, fruitless=fruitless)


@dataclass(frozen=True)
class Address:
    """`right` is what it takes to look, `to_change` to send a form; None: nobody may."""

    route: str
    ways: Sequence[Way]
    right: Right | None = Right.LOOK
    to_change: Right | None = Right.LOOK
    is_djangos: bool = False  # which answers any method as if it were a GET


@dataclass(frozen=True)
class Exempt:
    """Not held to the rights; anybody asks, and is told nothing that isn't theirs."""

    route: str
    why: str


class UnfilledError(LookupError):
    def __init__(self, route: str) -> None:
        super().__init__(f"/{ROOT}{route}: say how it is filled (tests/back_office/addresses.py).")


# --- our own pages ------------------------------------------------------------------------------

NO_STRIPE = "there is no Stripe that could be asked"
WORDS = {
    "subject": "Hello",
    "body": "<p>{{ amount }} {{ link }}</p>",
    "button": "Pay",
    "text": "",
    "sample": "usual",
    "part": "html",
    "theme": "light",
    "width": "phone",
}
KEY = {"name": "reports", "scopes": "read", "days": "30"}
HOOK = {"url": "https://hooks.example.org/in", "description": "", "event_types": ["case.lost"]}
ASKED = {
    "note": {"text": "Called."},
    "reassign": {"campaign": "{campaign}"},
    "close": {"reason": "Gone."},
    "pause": {"until": ""},
}
SHEET = {
    "based_on": "{revision}",
    "name": "Yen",
    "do": "save",
    "priority": "1",
    "retries": "stripe",
    "end_action": "mark_lost",
    "currencies": "jpy",
    **steps(StepFacts(0 * DAY, template="failed")),
}
FRUITLESS = {"charge": NO_STRIPE, "enable": "it is enabled already"}

FILLED: Mapping[str, Sequence[Way]] = {
    "preview/": [look()],
    "preview/frame/": [look()],
    "switch/": [send({"merchant": "{merchant}"}, fruitless="the session has it")],
    "changes/": [look()],
    "health/": [look()],
    "reconciliation/now/": [send({"after": "{recovery.reconciliation}"})],
    # campaigns
    "campaigns/new/": [send()],
    "campaigns/default/<slug:decline_type>/": [send(decline_type="soft")],
    "campaigns/<slug:plan>/edit/": [look_or_send(SHEET, plan="{drafted}")],
    "campaigns/<slug:plan>/copy/": [send(plan="{plan}")],
    "campaigns/<slug:plan>/draft/": [send(plan="{plan}")],
    "campaigns/<slug:plan>/dry-run/": [look(plan="{drafted}")],
    "campaigns/<slug:plan>/publish/": [
        look_or_send({"based_on": "{revision}"}, plan="{drafted}")
    ],
    "campaigns/<slug:plan>/discard/": [look_or_send(plan="{drafted}")],
    "campaigns/<slug:plan>/retire/": [look_or_send(plan="{plan}")],
    "wording/": [look()],
    "wording/<slug:name>/<slug:language>/": [look_or_send(WORDS, name="failed", language="en")],
    "wording/<slug:name>/<slug:language>/test/": [
        send(WORDS, name="failed", language="en", fruitless="a mail goes to who asks for it")
    ],
    "wording/<slug:name>/<slug:language>/restore/": [look_or_send(name="failed", language="en")],
    "wording/<slug:name>/<slug:language>/preview/": [
        look_or_send(WORDS, name="failed", language="en", fruitless="it is looked at")
    ],
    # cases
    "cases/act/<slug:verb>/": [
        send(
            {
                "case": "{paused}" if verb == "resume" else "{case}", "confirmed": "yes",
                **ASKED.get(verb, {}),
            },
            verb=verb, fruitless=FRUITLESS.get(verb, ""),
        )
        for verb in VERBS
    ],
    "cases/link/": [send({"case": "{case}"})],
    "cases/views/keep/": [send({"name": "Mine", "q": "own"})],
    "cases/views/forget/": [send({"saved": "{view}"})],
    "customers/<int:pk>/export/": [send(pk="{recovery.customer}")],
    "customers/<int:pk>/erase/": [
        look_or_send({"confirmed": "yes", "closes": "on"}, pk="{recovery.customer}")
    ],
    "tasks/done/": [send({"task": "{task}"})],
    "messages/<slug:public_id>/": [look(public_id="{message}")],
    "messages/<slug:public_id>/html/": [look(public_id="{message}")],
    # settings
    "settings/": [look()],
    "settings/account/": [look_or_send(ACCOUNT)],
    "settings/declines/": [send({"decline_code": "do_not_honor", "decline_type": "hard"})],
    "settings/declines/forget/": [send({"decline_code": "{decline}"})],
    "settings/branding/": [look_or_send({"color": "#123456"})],
    "settings/shown-once/": [look()],
    "settings/keys/": [look_or_send(fruitless="it is only looked at")],
    "settings/keys/api/": [send(KEY)],
    "settings/keys/api/<slug:key_id>/revoke/": [send(key_id="{api_key}")],
    "settings/keys/internal/": [send({"overlap_hours": "1"})],
    "settings/keys/internal/<int:pk>/revoke/": [send(pk="{internal_key}")],
    "settings/stripe/": [look_or_send({"api_key": "pk_test_1"}, fruitless=NO_STRIPE)],
    "settings/stripe/look/": [send(fruitless=NO_STRIPE)],
    "settings/stripe/rotate/": [send(fruitless=NO_STRIPE)],
    "settings/stripe/disconnect/": [send(fruitless=NO_STRIPE)],
    "settings/stripe/link/": [send(fruitless="it leads to Stripe")],
    "settings/stripe/linked/": [look({"state": "x", "code": "ac_1"})],
    "settings/mail/": [look_or_send(fruitless="it is only looked at")],
    "settings/mail/addresses/": [send({"sender_email": "", "support_email": "a@example.com"})],
    "settings/mail/window/": [
        send({"send_from_hour": "8", "send_until_hour": "20", "send_weekdays": ["1", "2"]})
    ],
    "settings/merchants/new/": [
        look_or_send(ACCOUNT | {"currency": "usd", "stripe_api_key": ""})
    ],
    "settings/team/": [look_or_send(fruitless="it is only looked at")],
    "settings/team/invite/": [send({"email": "new@example.com", "role": "viewer"})],
    "settings/team/<int:pk>/invite/": [send(pk="{member}", fruitless="a mail goes to them")],
    "settings/team/<int:pk>/second-factor/": [send(pk="{member}")],
    "settings/team/<int:pk>/role/": [send({"role": "owner"}, pk="{member}")],
    "settings/team/<int:pk>/remove/": [send(pk="{member}")],
    "settings/team/second-factor/": [send({"requires_second_factor": ""})],
    "settings/webhooks/": [look_or_send(fruitless="it is only looked at")],
    "settings/webhooks/new/": [look_or_send(HOOK)],
    "settings/webhooks/<slug:public_id>/": [look_or_send(HOOK, public_id="{webhook}")],
    "settings/webhooks/<slug:public_id>/secret/": [
        send({"overlap_hours": "1"}, public_id="{webhook}")
    ],
    "settings/webhooks/<slug:public_id>/<slug:verb>/": [
        send(public_id="{webhook}", verb=verb, fruitless=FRUITLESS.get(verb, ""))
        for verb in WEBHOOK_VERBS
    ],
}  # fmt: skip

# --- Django's, the theme's and the libraries' ---------------------------------------------------

SITE: Mapping[str, Sequence[Way]] = {
    "": [look()],
    "autocomplete/": [
        look({"app_label": "recovery", "model_name": "operatortask", "field_name": "case"})
    ],
    "jsi18n/": [look()],
    "password_change/": [look()],
    "password_change/done/": [look()],
    r"^(?P<app_label>dunning|billing_portal|recovery)/$": [
        look(app_label=label) for label in ("dunning", "billing_portal", "recovery")
    ],
}
EXEMPT: Mapping[str, str] = {
    "search/": "There is nothing: the theme would have a search there.",
    "login/": "It is the way in.",
    "logout/": "It is the way out.",
    "account/": "One's own password, factors and sessions, and the way in: no merchant's.",
    "look-on-as/": "Staff alone, as anybody (test_looking_on.py).",
    "r/<path:content_type_id>/<path:object_id>/": "No row of ours has a page elsewhere.",
    r"(?P<url>.*)$": "There is nothing.",
}  # by how they begin
OF_EXEMPT = {
    "content_type_id": "{type}", "object_id": "{recovery.recoverycase}", "url": "no/such/{case}/",
    "uidb36": "{user}", "key": "set-password",
}  # fmt: skip
MODELS = {
    f"{model._meta.app_label}/{model._meta.model_name}/": model for model in admin.site._registry
}
ONE = "<path:object_id>/"
PERMITTED = {"operate": Right.OPERATE, "own": Right.OWN}


def routes() -> list[str]:
    return [one.route for one in resolver.known()]


def address_of(route: str) -> Address | Exempt:
    """Raises UnfilledError."""
    declared = {page.route: page for page in PAGES}
    if route in declared and route in FILLED:
        page = declared[route]
        return Address(route, FILLED[route], page.right, page.to_change)
    if route in SITE:
        return Address(route, SITE[route], is_djangos=True)
    of_a_list = next((one for one in MODELS if route.startswith(one)), None)
    if of_a_list:
        return _of_a_list(of_a_list, route.removeprefix(of_a_list))
    exempt = next((why for one, why in EXEMPT.items() if route.startswith(one)), None)
    if exempt is None:
        raise UnfilledError(route)
    return Exempt(route, exempt)


def _of_a_list(of_a_list: str, page: str) -> Address | Exempt:
    """A list is read, and its actions are for who may take them; a row is only read."""
    model, route = MODELS[of_a_list], of_a_list + page
    row = f"{{{model._meta.label_lower}}}"
    one = Way({"object_id": row}, form={"_save": "1", "post": "yes", "name": "x"})
    if not page:
        return Address(route, [look(), *_actions(model, row)], is_djangos=True)
    if page == "add/":
        return Address(route, [look_or_send()], right=None, to_change=None)
    if page == f"{ONE}delete/":
        return Address(route, [one], right=None, to_change=None)
    if page == f"{ONE}change/":
        return Address(route, [one], to_change=None)
    if page == f"{ONE}history/":
        return Address(route, [look(object_id=row)], is_djangos=True)
    if page == ONE:
        return Exempt(route, "It leads to the row's page, whatever the row, whoever asks.")
    raise UnfilledError(route)


def _actions(model: Any, row: str) -> Iterator[Way]:
    """With what the verbs of cases ask for; and the one that Django would bring along."""
    yield Way(
        {}, form={"action": "delete_selected", "post": "yes", "_selected_action": row},
        is_read=False, fruitless="nobody deletes here", is_for_others=False,
    )  # fmt: skip
    for action in admin.site._registry[model].actions or ():
        known: Any = (
            getattr(admin.site._registry[model], action) if isinstance(action, str) else action
        )
        name = known.__name__
        [permission] = known.allowed_permissions
        yield Way(
            {},
            form={
                "action": name, "_selected_action": "{paused_pk}" if name == "resume" else row,
                "confirmed": "yes", **ASKED.get(name, {}),
            },
            is_read=False, writes=PERMITTED[permission], fruitless=FRUITLESS.get(name, ""),
        )  # fmt: skip


# --- filling in ---------------------------------------------------------------------------------


def path_of(route: str, arguments: Mapping[str, str], ids: Mapping[str, str]) -> str:
    """The address with its arguments, of whichever kind of pattern it is."""
    filled = re.sub(
        r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)",
        lambda found: _filled(arguments[found[1] or found[2]], ids), route,
    )  # fmt: skip
    return f"/{ROOT}{filled.strip('^$')}"


def fields_of(form: Form | None, ids: Mapping[str, str]) -> dict[str, Any]:
    return {name: _filled(value, ids) for name, value in (form or {}).items()}


def _filled(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"{([\w.]+)}", lambda found: ids[found[1]], value)
    return value
