"""A message as customers will see it, also before it is saved.

Nothing in it works: it is a document without an origin, scripts or forms, its links lead nowhere,
and it asks nobody for anything but the merchant's own logo.
"""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache

from dunning.wording import previews
from dunning.wording.templates import TemplateRefusedError
from recover_project.back_office.access import Right, Working
from recover_project.back_office.campaigns.word_forms import LookForm, WordsForm
from recover_project.back_office.campaigns.wording import known
from recover_project.back_office.framed import THEIR_OWN, only_to_look_at
from recover_project.back_office.pages import page
from recovery import clock


@page("wording/<slug:name>/<slug:language>/preview/", name="wording_preview", right=Right.LOOK)
@only_to_look_at(THEIR_OWN)
@never_cache
def preview(request: HttpRequest, at: Working, name: str, language: str) -> HttpResponseBase:
    """Of the words that are sent, else of those that hold. What is wrong with them is said in
    the place of the mail."""
    known(name, language)
    is_told = request.method == "POST"
    form, look = WordsForm(request.POST), LookForm(request.POST if is_told else request.GET)
    words = form.words if is_told and form.is_valid() else None
    look.is_valid()
    theme = look.theme_chosen
    try:
        shown = previews.preview(
            merchant=at.of, name=name, language=language, words=words, now=clock.now(),
            sample=look.sample_chosen,
        )  # fmt: skip
    except TemplateRefusedError as error:
        told = {"field": error.field, "why": str(error), "theme": theme}
        return HttpResponse(_document("refused", told))
    head = {"subject": shown.subject, "theme": theme}
    if look.is_text:
        return HttpResponse(_document("text", {**head, "text": shown.text}))
    html = previews.in_theme(shown.html, theme)
    before, body, after = html.partition("<body")
    tag, end, rest = after.partition(">")
    return HttpResponse(f"{before}{body}{tag}{end}{_document('head', head)}{rest}")


def _document(name: str, told: dict[str, str]) -> str:
    return render_to_string(f"back_office/campaigns/preview_{name}.html", told)
