"""Secrets are shown once, on a page that is kept nowhere: reloaded or gone back to, it is empty.

On the way to it a secret is in the session, encrypted, for as long as a redirect takes.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cryptography.fernet import InvalidToken
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page, show
from recovery.models.fields import cipher

KEPT_AS = "shown_once"  # in the session
KEPT_FOR = 120  # seconds


@dataclass(frozen=True)
class Secret:
    name: str
    value: str
    purpose: str


def show_once(request: HttpRequest, *secrets: Secret, heading: str, back: str) -> HttpResponse:
    """Leads to the page that shows them; `back` is where that one leads to."""
    told = {"heading": heading, "back": back, "secrets": [asdict(secret) for secret in secrets]}
    request.session[KEPT_AS] = cipher().encrypt(json.dumps(told).encode()).decode()
    return redirect("admin:settings_shown_once")


@page("settings/shown-once/", name="settings_shown_once", right=Right.OWN, needs_merchant=False)
@require_GET
def shown_once(request: HttpRequest, at: Working) -> HttpResponse:  # noqa: ARG001
    told = _opened(request.session.pop(KEPT_AS, ""))
    if told is None:
        return show(request, "back_office/settings/shown_once.html", title="Shown once")
    heading, back, secrets = told
    return show(
        request, "back_office/settings/shown_once.html", title=heading, back=back,
        secrets=secrets,
    )  # fmt: skip


def _opened(kept: str) -> tuple[str, str, Sequence[Secret]] | None:
    try:
        told = json.loads(cipher().decrypt(kept, ttl=KEPT_FOR))
    except InvalidToken:
        return None
    return told["heading"], told["back"], [Secret(**secret) for secret in told["secrets"]]
