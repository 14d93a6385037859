"""The back office's pages, found by asking each address that there is: one added tomorrow is among
them without anybody's remembering."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from urllib.parse import urlsplit

from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, resolve, reverse

from tests.back_office import resolver

Arguments = Mapping[str, object]
IN_A_FRAME = "A document without scripts in a frame of another page, which is looked at there."
# What is not looked at: by the route's name, with the reason.
NO_PAGES: Mapping[str, str] = {
    "admin:*_history": "Nothing leads there: Changes says who changed what.",
    "admin:*_add": "Nothing is added by hand: refused to everybody.",
    "admin:*_delete": "Nothing is deleted by hand: refused to everybody.",
    "admin:message_html": IN_A_FRAME,
    "admin:preview_frame": IN_A_FRAME,
    "admin:wording_preview": IN_A_FRAME,
    "admin:search": "A piece of a page, for a search of the theme's that is not offered.",
    "admin:autocomplete": "It answers with data, to what a form asks.",
    "admin:view_on_site": "No row of ours has a page elsewhere.",
    "admin:settings_index": "It leads to the account's page.",
    "admin:settings_stripe_linked": "Stripe's page leads to it, and it leads on.",
    "admin:password_change*": "It leads to where passwords are changed.",
    "admin:login": "It leads to where everybody logs in.",
    "admin:logout": "It is left by a form.",
    "account_signup": "Nobody signs up.",
    "account_email": "Addresses are not changed here.",
    "account_set_password": "Whoever is asked in has chosen one.",
    "hijack:*": "Begun and ended by a form.",
    "mfa_authenticate": "Between password and code: see test_staffs_day.py.",
    "mfa_reauthenticate": "As account_reauthenticate, where there is no password.",
    "mfa_generate_recovery_codes": "They are made anew by a form.",
}  # fmt: skip


class UnfilledError(LookupError):
    """An address has arguments of which nobody says what they are."""


@dataclass(frozen=True)
class FoundPage:
    name: str
    path: str
    who: int  # of those who were asked for, the first who is shown it


def found(clients: Sequence[Client], filled: Mapping[str, Arguments]) -> list[FoundPage]:
    """Each page, as the first of the clients who gets it. `filled` has the arguments of an address
    by its name, or those of all that have the same by the argument's. Raises UnfilledError."""
    pages, missing = [], []
    for name, pattern in {one.name: one.pattern for one in resolver.known()}.items():
        if not name or any(fnmatch(name, known) for known in NO_PAGES):
            continue  # what has no name leads to what has one
        path = reverse(name, kwargs=_arguments(name, pattern, filled))
        kinds = (_kind(client, name, path) for client in clients)
        who, kind = next(((n, kind) for n, kind in enumerate(kinds) if kind), (0, "missing"))
        if kind == "page":
            pages.append(FoundPage(name, path, who))
        elif kind == "missing":
            missing.append(path)
    assert missing == [], f"Nobody is shown {missing}. If that is right, say why in NO_PAGES."
    return pages


def _arguments(
    name: str, pattern: URLPattern, filled: Mapping[str, Arguments]
) -> dict[str, object]:
    wanted = pattern.pattern.regex.groupindex
    given = dict(filled.get("*", {}))
    model = next((one for one in admin.site._registry if _is_of(one, name)), None)
    if model is not None and "object_id" in wanted:
        given["object_id"] = model._default_manager.order_by("pk").values_list("pk", flat=True)[0]
    given |= filled.get(name, {})
    if unfilled := wanted.keys() - given.keys():
        raise UnfilledError(f"{name}: what are its {sorted(unfilled)}?")
    return {argument: given[argument] for argument in wanted}


def _is_of(model: type, name: str) -> bool:
    meta = model._meta  # type: ignore[attr-defined]
    return name.startswith(f"admin:{meta.app_label}_{meta.model_name}_")


def _kind(client: Client, name: str, path: str) -> str:
    """A page: HTML, there or where a redirect leads that stays with the same address. Data, or
    what only a form is sent to, is another thing; what the client isn't given is nothing."""
    answer = client.get(path)
    if answer.status_code == 302 and resolve(urlsplit(answer["Location"]).path).view_name == name:
        answer = client.get(answer["Location"])
    if answer.status_code == 200:
        return "page" if "html" in answer["Content-Type"] else "data"
    return "form" if answer.status_code == 405 else ""
