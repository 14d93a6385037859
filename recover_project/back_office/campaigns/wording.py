"""What a merchant's mails say: each message in each language, its editor, and how it looks."""

from typing import Any

from auditlog.models import LogEntry
from django.contrib import messages
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from billing_portal.languages import LANGUAGES
from dunning.mail import trials
from dunning.mail.trials import NotTriedError
from dunning.models import MessageTemplate
from dunning.wording import templates
from dunning.wording.filling import taken_out
from dunning.wording.template_language import FILTERS
from dunning.wording.templates import TemplateRefusedError
from dunning.wording.variables import VARIABLES
from dunning.wording.words import TEMPLATES
from recover_project.back_office.access import Right, Working
from recover_project.back_office.campaigns.word_forms import LookForm, WordsForm
from recover_project.back_office.framed import frames_ours
from recover_project.back_office.pages import page, show
from recover_project.back_office.people import changes, looking_on
from recovery import clock
from recovery.limits.counting import count
from recovery.limits.usage import Limit
from recovery.models import Merchant, User

FOR_WHAT = {
    "failed": "The first mail after a soft decline.",
    "new_card": "The first mail where only another card helps.",
    "action": "The first mail where the bank wants to hear from the customer.",
    "reminder": "Between the first mail and the last.",
    "final": "The last mail.",
    "new_link": "What a customer gets who asks for a new link.",
}
MOST_CHANGES = 20
EDIT = "admin:wording_edit"


@page("wording/", name="wording", right=Right.LOOK)
@require_safe
def overview(request: HttpRequest, at: Working) -> HttpResponseBase:
    own = templates.own(at.of)
    rows = [
        {
            "name": name,
            "called": called(name),
            "for_what": FOR_WHAT.get(name, ""),
            "cells": [(code, spoken, own.get((name, code))) for code, spoken in LANGUAGES.items()],
        }
        for name in TEMPLATES
    ]
    return show(
        request, "back_office/campaigns/wording.html", title="What mails say", rows=rows,
        languages=LANGUAGES.values(),
    )  # fmt: skip


@page(
    "wording/<slug:name>/<slug:language>/",
    name="wording_edit",
    right=Right.LOOK,
    to_change=Right.OWN,
)
@frames_ours
def edit(request: HttpRequest, at: Working, name: str, language: str) -> HttpResponseBase:
    known(name, language)
    if request.method == "POST":
        return _told(request, at, name, language)
    words = templates.find(merchant=at.of, name=name, language=language)
    return _show(request, at, name, language, WordsForm.of(words))


def _told(request: HttpRequest, at: Working, name: str, language: str) -> HttpResponseBase:
    form = WordsForm(request.POST)
    if form.is_valid():
        written = form.words
        try:
            kept = templates.save(
                merchant=at.of, name=name, language=language, subject=written.subject,
                body=written.body, text=written.text, button=written.button, now=clock.now(),
            )  # fmt: skip
        except TemplateRefusedError as error:
            form.blame(error)
        else:
            messages.success(request, "Saved. Mails from now on say it.")
            if gone := taken_out(written.body, kept.body):
                said = f"Taken out, since no mail may have it: {', '.join(gone)}."
                messages.warning(request, said)
            return redirect(EDIT, name, language)
    return _show(request, at, name, language, form)


@page("wording/<slug:name>/<slug:language>/test/", name="wording_test", right=Right.OWN)
@require_POST
@frames_ours
def test(request: HttpRequest, at: Working, name: str, language: str) -> HttpResponseBase:
    """What is written, saved or not, sent to whoever truly sits there and to nobody else."""
    known(name, language)
    form, look = WordsForm(request.POST), LookForm(request.POST)
    if not (form.is_valid() and look.is_valid()):
        return _show(request, at, name, language, form)
    sits_there = looking_on.who_looks(request) or request.user
    assert isinstance(sits_there, User)  # noqa: S101 - the page is for those who are logged in
    usage = count(request, limit=Limit.TRIAL_MAIL, identity=f"user:{sits_there.pk}")
    if usage is not None and usage.is_exceeded:
        said = f"Not sent: you have tried {usage.limit} times within a minute. Wait a little."
        messages.warning(request, said)
        return _show(request, at, name, language, form)
    try:
        trials.send(
            merchant=at.of, name=name, language=language, words=form.words,
            sample=look.sample_chosen, to=sits_there.email, now=clock.now(),
        )  # fmt: skip
    except TemplateRefusedError as error:
        form.blame(error)
    except NotTriedError as error:
        messages.warning(request, f"Not sent: {error}")
    else:
        messages.success(request, f"Sent to {sits_there.email}, marked as a test.")
    return _show(request, at, name, language, form)


@page("wording/<slug:name>/<slug:language>/restore/", name="wording_restore", right=Right.OWN)
def restore(request: HttpRequest, at: Working, name: str, language: str) -> HttpResponseBase:
    known(name, language)
    if request.method != "POST":
        return show(
            request, "back_office/campaigns/restore.html", language=language, name=name,
            title=f"Let “{called(name)}” say what Recover ships",
            shipped=templates.shipped(name=name, language=language),
        )  # fmt: skip
    is_new = templates.restore(merchant=at.of, name=name, language=language)
    said = "It says what Recover ships." if is_new else "It said what Recover ships already."
    messages.success(request, said)
    return redirect(EDIT, name, language)


def called(name: str) -> str:
    return name.replace("_", " ").capitalize()


def known(name: str, language: str) -> None:
    """Raises Http404 for a message or language that nothing is shipped for."""
    try:
        templates.check_name(name, language)
    except TemplateRefusedError as error:
        raise Http404 from error


def _show(
    request: HttpRequest, at: Working, name: str, language: str, form: WordsForm
) -> HttpResponseBase:
    look = LookForm(request.POST if request.method == "POST" else request.GET)
    own = templates.own(at.of).get((name, language))
    return show(
        request, "back_office/campaigns/words.html", form=form, look=look, own=own, name=name,
        language=language, called=called(name), spoken=LANGUAGES[language],
        title=f"{called(name)}, {LANGUAGES[language]}", for_what=FOR_WHAT.get(name, ""),
        languages=LANGUAGES.items(), variables=VARIABLES.items(), filters=", ".join(FILTERS),
        trail=[("What mails say", "../../")], may_own=at.may(Right.OWN),
        changes=[_change(entry) for entry in _changes(at.of, name, language)],
        width=look.width_chosen,
    )  # fmt: skip


def _changes(merchant: Merchant, name: str, language: str) -> Any:
    """As the record of changes has them; words that a command changed are in it too."""
    kind = ContentType.objects.get_for_model(MessageTemplate)
    named = str(MessageTemplate(name=name, language=language))
    entries = changes.of(merchant).filter(content_type=kind, object_repr=named)
    return entries.select_related("actor")[:MOST_CHANGES]


def _change(entry: LogEntry) -> dict[str, Any]:
    fields = {
        field: told
        for field, told in (entry.changes or {}).items()
        if field in WordsForm.base_fields and isinstance(told, list)
    }
    return {
        "at": entry.timestamp,
        "who": entry.actor or entry.actor_email or changes.NOBODY,
        "did": {
            LogEntry.Action.CREATE: "wrote own words", LogEntry.Action.UPDATE: "changed them",
            LogEntry.Action.DELETE: "went back to what Recover ships",
        }.get(entry.action, ""),
        "fields": [
            (field, *("" if value in {None, "None"} else str(value) for value in told))
            for field, told in fields.items()
        ],
    }  # fmt: skip
